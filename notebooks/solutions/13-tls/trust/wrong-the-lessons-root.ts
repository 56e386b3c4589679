// expect: the right broker
const trust = (_root: string): LabClientOptions => trusting;
