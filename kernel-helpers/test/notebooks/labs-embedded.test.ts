import { labsRunGreen } from "./labs";

labsRunGreen("embedded");
