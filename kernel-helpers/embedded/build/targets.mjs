/** Which files make which program, and how they are compiled. Paths are relative to the work folder. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

const M = "mosquitto";

const DEFINES = [
  "-D_GNU_SOURCE",
  '-DVERSION="2.1.2"',
  "-DWITH_WEBSOCKETS=WS_IS_BUILTIN",
  "-DCJSON_VERSION_FULL=1.7.19",
];
const INCLUDES = [
  "shim/include",
  "shim",
  M,
  ...["src", "include", "common", "lib", "libcommon", "deps", "deps/picohttpparser", "plugins/common"].map(
    (d) => `${M}/${d}`,
  ),
  "stubs",
  "cjson",
];

const baseFlags = (includes) => [
  "-std=gnu99",
  "-w",
  "-include",
  "shim/prelude.h",
  ...includes.map((folder) => `-I${folder}`),
  ...DEFINES,
];

/** Flags of every file of the programs without TLS, and of those with it. */
const PLAIN_FLAGS = baseFlags([...INCLUDES, "stand-ins"]);
const TLS_FLAGS = [
  ...baseFlags([...INCLUDES, "openssl/include"]),
  "-DWITH_TLS",
  "-DWITH_TLS_PSK",
  // Nobody is at a terminal here: a key with a pass phrase can't be opened by asking for it.
  "-DUI_OpenSSL=UI_null",
  // The old name, which OpenSSL without its deprecated parts has no more.
  "-DSSL_get_peer_certificate=SSL_get1_peer_certificate",
];

/** The headers of OpenSSL that Mosquitto includes here; each leads to the shim's crypto.h. */
export const OPENSSL_HEADERS = ["bio", "bn", "buffer", "err", "evp", "opensslconf", "opensslv", "rand", "sha", "ssl"];

const named = (folder, names) => names.split(/\s+/).map((name) => `${folder}/${name}.c`);

/** The C files of a folder but some. */
const all = (root, folder, except = "") => {
  const out = new Set(except.split(/\s+/).map((name) => `${name}.c`));
  const files = readdirSync(join(root, folder)).filter((file) => file.endsWith(".c") && !out.has(file));
  return files.sort().map((file) => `${folder}/${file}`);
};

/** Files that come with a program and flags of their own: `[flags, files]`. */
function commonGroups(root, defines, tls) {
  if (tls) {
    return [
      [[...defines, "-DSHIM_FILES"], all(root, `${M}/libcommon`, "memory_common")],
      [["-DSHIM_FILES"], [`${M}/common/json_help.c`, "cjson/cJSON.c", ...named("shim", "posix")]],
    ];
  }
  // Upstream compiles password hashes and random numbers only with OpenSSL; WITH_TLS would change far more elsewhere.
  const crypto = ["-DWITH_TLS", "-DSHIM_FILES"];
  return [
    [
      [...defines, "-DSHIM_FILES"],
      all(root, `${M}/libcommon`, "memory_common password_common random_common base64_common"),
    ],
    [crypto, named(`${M}/libcommon`, "password_common random_common")],
    [["-DSHIM_FILES"], [`${M}/common/json_help.c`, "cjson/cJSON.c", ...named("shim", "crypto base64 posix")]],
  ];
}

function broker(root, tls) {
  const defines = [
    ...["BROKER", "EPOLL", "BRIDGE", "PERSISTENCE", "SYS_TREE", "CONTROL", "MEMORY_TRACKING", "UNIX_SOCKETS"],
    "LINKED_DYNSEC",
  ].map((name) => `-DWITH_${name}`);
  const dynsec = ["version", "init", "cleanup"].map((name) => `-Dmosquitto_plugin_${name}=dynsec_plugin_${name}`);
  return {
    name: "mosquitto",
    reactor: true,
    tls,
    groups: [
      [
        defines,
        [
          ...all(root, `${M}/src`, "mosquitto loop signals http_api service mux_kqueue mux_poll xtreport websockets"),
          ...named(
            `${M}/plugins`,
            "acl-file/acl_check acl-file/acl_parse password-file/password_check password-file/password_parse",
          ),
          ...named(
            `${M}/lib`,
            "alias_mosq handle_ping handle_pubackcomp handle_pubrec handle_pubrel handle_suback handle_unsuback net_mosq packet_datatypes packet_mosq property_mosq send_connect send_disconnect send_mosq send_publish send_subscribe send_unsubscribe util_mosq will_mosq",
          ),
          ...(tls ? named(`${M}/lib`, "net_mosq_ocsp net_ws tls_mosq") : ["shim/net_ws.c"]),
          `${M}/deps/picohttpparser/picohttpparser.c`,
          ...named("shim", "linked_plugins broker_main broker_loop broker_signals"),
        ],
      ],
      [["-DSHIM_FILES"], named("shim", "sockets epoll names")],
      [["-DREAL_WITH_MEMORY_TRACKING"], [`${M}/libcommon/memory_common.c`]],
      [[...dynsec, "-DWITH_PW_CACHE"], all(root, `${M}/plugins/dynamic-security`)],
      ...commonGroups(root, defines, tls),
    ],
  };
}

const SMALL_SOCKETS = ["-DSHIM_WAITS", "-DSOCKET_BASE=512"];

/** A program that speaks MQTT through libmosquitto. */
const client = (root, tls, name, extra) => ({
  name,
  reactor: false,
  tls,
  groups: [
    ...extra,
    [
      ["-DWITH_SOCKS"],
      [
        ...all(root, `${M}/lib`, `thread_mosq srv_mosq${tls ? "" : " net_ws tls_mosq net_mosq_ocsp"}`),
        `${M}/deps/picohttpparser/picohttpparser.c`,
        ...named("shim", `client_thread linked_plugins${tls ? "" : " net_ws"}`),
      ],
    ],
    [[...SMALL_SOCKETS, "-DSHIM_FILES"], named("shim", "sockets epoll names waits terminal")],
    [[], [`${M}/libcommon/memory_common.c`]],
    ...commonGroups(root, [], tls),
  ],
});

const passwd = (root) => ({
  name: "mosquitto_passwd",
  reactor: false,
  tls: false,
  groups: [
    [
      ["-DSHIM_FILES"],
      [...all(root, `${M}/apps/mosquitto_passwd`), "shim/terminal.c", `${M}/libcommon/memory_common.c`],
    ],
    ...commonGroups(root, [], false),
  ],
});

function clients(root, tls) {
  const shared = [["-DWITH_SOCKS"], named(`${M}/client`, "client_shared client_props")];
  const getPassword = [[`-I${M}/apps/mosquitto_passwd`], named(`${M}/apps/mosquitto_passwd`, "get_password")];
  const ctrlFlags = [`-I${M}/apps/mosquitto_passwd`, `-I${M}/plugins/dynamic-security`, "-DWITH_SOCKS"];
  return [
    client(root, tls, "mosquitto_ctrl", [
      [
        ctrlFlags,
        named(
          `${M}/apps/mosquitto_ctrl`,
          "broker client dynsec dynsec_client dynsec_group dynsec_role mosquitto_ctrl options",
        ),
      ],
      getPassword,
    ]),
    client(root, tls, "mosquitto_pub", [
      shared,
      // WITH_THREADING only for the program: it asks for it before it reads lines, and client_thread.c stands in.
      [
        ["-DWITH_SOCKS", "-DWITH_THREADING", "-Dnanosleep=work_instead_of_sleep"],
        named(`${M}/client`, "pub_client pub_shared"),
      ],
    ]),
    client(root, tls, "mosquitto_rr", [
      shared,
      [["-DWITH_SOCKS", "-Dnanosleep=work_instead_of_sleep"], named(`${M}/client`, "pub_shared")],
      [["-DWITH_SOCKS"], named(`${M}/client`, "rr_client sub_client_output")],
    ]),
    client(root, tls, "mosquitto_sub", [
      shared,
      [["-DWITH_SOCKS"], named(`${M}/client`, "sub_client sub_client_output")],
    ]),
  ];
}

/** Every program without TLS, the broker first. @param {string} root the work folder */
export const plainTargets = (root) => [broker(root, false), passwd(root), ...clients(root, false)];

/** Those that speak TLS. The work folder has OpenSSL's headers and libraries in `openssl/`. */
export const tlsTargets = (root) => [broker(root, true), ...clients(root, true)];

/** @param {ReturnType<typeof broker>} target */
export const flagsOf = ({ tls }) => (tls ? TLS_FLAGS : PLAIN_FLAGS);
