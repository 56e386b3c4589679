import { scrollBox } from "./scroll";

/** A lab's picture for another page: in a box of its own. It has no ids, so it can stand anywhere. */
export const boxed = (svg: string): string => scrollBox("A sequence of packets", svg, "view");
