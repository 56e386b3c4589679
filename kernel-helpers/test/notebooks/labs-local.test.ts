import { labsRunGreen } from "./labs";

labsRunGreen("local");
