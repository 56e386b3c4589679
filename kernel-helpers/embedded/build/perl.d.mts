export declare function findPerl(
  program?: string,
): Promise<{ readonly program: string; readonly version: string } | { readonly lack: string }>;
