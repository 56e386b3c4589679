/*
 * src/loop.c as it is, and its main loop cut into turns. Upstream's loop checks what is due, waits, and handles what came;
 * the loader waits in between, so a turn handles what came and then checks what is due.
 */
#include "loop.c"

#include "sockets.h"

#define STOPPED (-1)
#define LONGEST_WAIT 100 /* milliseconds: upstream's own limit when websockets are built in */

/* Throws inside the loader, which unwinds every frame down to broker_start(). */
IMPORT(suspend) void host_suspend(void);

static time_t last_save;

static void check_what_is_due(void)
{
	retain__expiry_check();
	queue_plugin_msgs();
	context__free_disused();
	db.next_event_ms = 86400000;
	if(db.config->sys_interval > 0) sys_tree__update(false);
	keepalive__check();
	watchdog__check();
	bridge_check();
	plugin__handle_tick();
	session_expiry__check();
	will_delay__check();
}

static void save_if_due(void)
{
	if(!db.config->persistence || !db.config->autosave_interval) return;
	if(db.config->autosave_on_changes){
		if(db.persistence_changes < db.config->autosave_interval) return;
		db.persistence_changes = 0;
	}else{
		if(last_save + db.config->autosave_interval >= db.now_s) return;
		last_save = db.now_s;
	}
	persist__backup(false);
}

int enter_main_loop(struct mosquitto__listener_sock *listensock, int count)
{
	(void)listensock;
	(void)count;
	last_save = mosquitto_time();
	watchdog__init();
	db.now_s = mosquitto_time();
	db.now_real_s = time(NULL);
	int rc = bridge__register_local_connections();
	if(rc) return rc;
	check_what_is_due();
	host_suspend();
	return MOSQ_ERR_SUCCESS; /* never reached */
}

/* Milliseconds until the next turn is due at the latest (0: at once), -1 when it was told to stop, -2 - rc on an error. */
EXPORT(broker_turn) int broker_turn(void)
{
	if(!g_run) return STOPPED;
	int rc = mux__handle(g_listensock, g_listensock_count);
	if(rc) return -2 - rc;
	save_if_due();
	rc = signal__flag_check();
	if(rc) return -2 - rc;
	if(!g_run) return STOPPED;
	check_what_is_due();
	if(epoll_any_ready()) return 0;
	if(db.next_event_ms > LONGEST_WAIT) return LONGEST_WAIT;
	return db.next_event_ms < 1 ? 1 : (int)db.next_event_ms;
}

/* Whether a turn has something to do now: taking a connection's output can make it writable again. */
EXPORT(broker_ready) int broker_ready(void)
{
	return epoll_any_ready();
}
