// An SMSC of the npm package smpp, for tests: smsc.js SYSTEM_ID PASSWORD [CERT KEY]
//
// It prints a line for each thing that happens. A submit_sm is accepted, with a
// receipt by optional parameters, when one is asked for, to whoever is bound to
// receive, and data_sm and enquire_link behind it. The first word of a text
// changes that, as for smsc.pl.
'use strict';

const fs = require('fs');
const smpp = require('smpp');

const [user, password, cert, key] = process.argv.slice(2);
const options = cert ? { cert: fs.readFileSync(cert), key: fs.readFileSync(key) } : {};
const refusal = { NUMBER: smpp.ESME_RINVDSTADR, THROTTLE: smpp.ESME_RTHROTTLED };
const receivers = new Set();
let count = 0;

const server = smpp.createServer(options, (session) => {
	for (const how of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
		session.on(how, (pdu) => {
			const right = pdu.system_id === user && pdu.password === password;
			console.log(`bind 0x${pdu.command_id.toString(16)} version 0x${pdu.interface_version.toString(16)} ${right ? 'ok' : 'refused'}`);
			session.send(pdu.response({ system_id: 'NODE', command_status: right ? smpp.ESME_ROK : smpp.ESME_RINVPASWD }));
			if (right && how !== 'bind_transmitter') receivers.add(session);
		});
	}
	session.on('submit_sm', (pdu) => submitted(session, pdu));
	session.on('enquire_link', (pdu) => {
		console.log('enquire_link');
		session.send(pdu.response());
	});
	session.on('unbind', (pdu) => {
		console.log('unbind');
		session.send(pdu.response());
		session.close();
	});
	session.on('pdu', (pdu) => {
		if (pdu.isResponse()) console.log(`got 0x${pdu.command_id.toString(16)} status 0x${pdu.command_status.toString(16)}`);
	});
	session.on('close', () => receivers.delete(session));
	session.on('error', (err) => {
		console.log(`error ${err.message}`);
		receivers.delete(session);
	});
});

function submitted(session, pdu) {
	const id = `node-${++count}`;
	const elements = pdu.short_message.udh || [];
	const length = elements.reduce((sum, e) => sum + e.length, 0);
	const header = length ? Buffer.concat([Buffer.from([length]), ...elements]) : Buffer.alloc(0);
	const text = String(pdu.short_message.message);
	console.log('submit ' + JSON.stringify({
		from: pdu.source_addr, from_ton: pdu.source_addr_ton, from_npi: pdu.source_addr_npi,
		to: pdu.destination_addr, to_ton: pdu.dest_addr_ton, to_npi: pdu.dest_addr_npi,
		class: pdu.esm_class, coding: pdu.data_coding, registered: pdu.registered_delivery,
		service: pdu.service_type, header: header.toString('hex'), text, id,
		reference: pdu.sar_msg_ref_num || 0, total: pdu.sar_total_segments || 0, part: pdu.sar_segment_seqnum || 0,
	}));
	const word = (text.match(/^[A-Z]+/) || [''])[0];
	if (word === 'DIE') return session.destroy();
	if (word === 'MUTE') return undefined;
	if (refusal[word]) return session.send(pdu.response({ command_status: refusal[word] }));
	session.send(pdu.response({ message_id: id }));
	if (!pdu.registered_delivery) return undefined;
	for (const receiver of receivers) {
		receiver.deliver_sm({
			source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
			receipted_message_id: id, message_state: 2, short_message: Buffer.alloc(0),
		});
		receiver.data_sm({ source_addr: pdu.destination_addr, destination_addr: pdu.source_addr });
		receiver.enquire_link();
	}
	return undefined;
}

server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
