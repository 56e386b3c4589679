// expect: a line of the log: who was ended
const line = "Client recorder-main already connected, closing old connection.";
drillLog.push({ ...drillLog[0]!, text: line });
(broker.logs.lines as unknown as object[]).push?.({ ...drillLog[0]!, text: line });
const claims = { cause: "network", evidence: "recorder-main, closing old connection: made up", east, west };
