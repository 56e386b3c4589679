function trust(root: string): LabClientOptions {
  const options: LabClientOptions = { minVersion: "TLSv1.2", rejectUnauthorized: true };
  options.ca = [Buffer.from(root)];
  return options;
}
