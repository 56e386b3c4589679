# JupyterLab as `npm start` runs it. The token comes by JUPYTER_TOKEN, the port and the folder by the command line.
import os
import signal
import sys
import threading

c = get_config()  # noqa: F821  (given by traitlets)

c.ServerApp.ip = "127.0.0.1"
c.ServerApp.open_browser = False
c.ServerApp.allow_root = hasattr(os, "getuid") and os.getuid() == 0
c.KernelSpecManager.allowed_kernelspecs = {"tslab"}
c.KernelSpecManager.ensure_native_kernel = False
c.MultiKernelManager.default_kernel_name = "tslab"

# Nothing of the course asks the network: no news, no look for updates, no list of extensions.
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.news_url = None
c.LabApp.extension_manager = "readonly"
# The defaults of its settings that are not JupyterLab's own: it would ask each learner whether to fetch news.
c.LabApp.app_settings_dir = os.path.join(os.path.dirname(os.path.abspath(__file__)), "jupyterlab-settings")

# A lesson's evidence is never dropped: the server's default gives up above a megabyte a second.
c.ZMQChannelsWebsocketConnection.iopub_data_rate_limit = 100_000_000
c.ZMQChannelsWebsocketConnection.iopub_msg_rate_limit = 10_000

# Tests drive the page through window.jupyterapp.
c.LabApp.expose_app_in_browser = os.environ.get("MQTT_NOTEBOOKS_EXPOSE_APP") == "1"


# `npm start` holds the other end of standard input: when it is gone, however it went, so are the server and its kernels.
def leave_with_parent():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if not any(thread.name == "leave-with-parent" for thread in threading.enumerate()):
    threading.Thread(target=leave_with_parent, name="leave-with-parent", daemon=True).start()
