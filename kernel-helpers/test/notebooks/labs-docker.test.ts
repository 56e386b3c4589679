import { labsRunGreen } from "./labs";

labsRunGreen("docker");
