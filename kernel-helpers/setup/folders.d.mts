export declare const root: string;
export declare const cache: string;
export declare const venv: string;
export declare const venvPython: string;
export declare const kernelspecFolder: string;
export declare function courseEnv(env?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
