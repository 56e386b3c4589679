// The first level is fixed by what is published, not by the filter: nothing else has a third level "boiler".
const boilerFilter = ["+", "+", "boiler", "#"].join("/");
