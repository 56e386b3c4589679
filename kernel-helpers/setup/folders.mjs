/** Where set-up puts things: all of it below the course's folder. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const cache = join(root, ".cache");
export const venv = join(root, ".venv");

const windows = process.platform === "win32";

/** The virtual environment's Python. Its other programs are run with -m: their first lines break in long or odd paths. */
export const venvPython = windows ? join(venv, "Scripts", "python.exe") : join(venv, "bin", "python");

export const kernelspecFolder = join(venv, "share", "jupyter", "kernels", "tslab");

/** The environment of every program that set-up and the tools start: their caches and settings stay in the folder. */
export function courseEnv(env = process.env) {
  const jupyter = join(cache, "jupyter");
  const own = {
    npm_config_cache: join(cache, "npm"),
    PIP_CACHE_DIR: join(cache, "pip"),
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    PIP_NO_INPUT: "1",
    PIP_USER: "0",
    PYTHONNOUSERSITE: "1",
    XDG_CACHE_HOME: join(cache, "xdg"),
    JUPYTER_CONFIG_DIR: join(jupyter, "config"),
    JUPYTER_DATA_DIR: join(jupyter, "data"),
    JUPYTER_RUNTIME_DIR: join(jupyter, "runtime"),
    JUPYTERLAB_SETTINGS_DIR: join(jupyter, "settings"),
    JUPYTERLAB_WORKSPACES_DIR: join(jupyter, "workspaces"),
    IPYTHONDIR: join(jupyter, "ipython"),
  };
  // What would pull another Python's packages in, or put ours elsewhere.
  const { PYTHONHOME, PYTHONPATH, PIP_TARGET, PIP_PREFIX, VIRTUAL_ENV, __PYVENV_LAUNCHER__, ...others } = env;
  return { ...others, ...own };
}
