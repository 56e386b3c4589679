/** As much of them as views/chart-vega uses: their own types would cost every cell's type check. */
export interface Vega {
  parse(spec: object): object;
  View: new (
    runtime: object,
    options: object,
  ) => { run(): void; finalize(): void; scenegraph(): { root: { bounds: Bounds } } };
  SVGStringRenderer: new (
    loader: object,
  ) => {
    initialize(
      element: null,
      width: number,
      height: number,
      origin: [number, number],
    ): { render(root: object): { svg(): string } };
  };
  textMetrics: {
    width(item: { fontSize?: number; fontWeight?: string | number; font?: string }, text: unknown): number;
  };
}
export interface Bounds {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}
export interface VegaLite {
  compile(spec: object, options: { config: object; logger: object }): { spec: object };
}
export declare function loadVega(): Promise<{ vega: Vega; vegaLite: VegaLite }>;
