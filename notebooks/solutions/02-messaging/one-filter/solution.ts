const boilerFilter = "plant/+/boiler/#";
