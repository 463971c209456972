#!/usr/bin/perl
# An SMSC of Net::SMPP, for tests: smsc.pl PORT SYSTEM_ID PASSWORD
#
# It prints a line for each thing that happens. A submit_sm is accepted, with a
# receipt by text when one is asked for, a reply of the telephone, and an
# enquire_link behind it. The first word of a text changes that:
#   NUMBER    refused: ESME_RINVDSTADR
#   THROTTLE  refused: ESME_RTHROTTLED
#   MUTE      no answer
#   DIE       the connection ends instead of an answer
use strict;
use warnings;
use IO::Handle;
use Net::SMPP;

my ($port, $user, $password) = @ARGV;
STDOUT->autoflush(1);
$SIG{CHLD} = 'IGNORE';

my %answer_to_bind = (
	Net::SMPP::CMD_bind_transceiver() => 'bind_transceiver_resp',
	Net::SMPP::CMD_bind_transmitter() => 'bind_transmitter_resp',
	Net::SMPP::CMD_bind_receiver()    => 'bind_receiver_resp',
);
my %refusal = (NUMBER => 0x0b, THROTTLE => 0x58);

my $listener = Net::SMPP->new_listen('127.0.0.1', port => $port, smpp_version => 0x34) or die "listen: $!";
print "ready $port\n";
while (1) {
	my $connection = $listener->accept or next;
	my $child = fork;
	die "fork: $!" unless defined $child;
	if (!$child) { talk($connection); exit 0 }
	close $connection;
}

sub talk {
	my ($c) = @_;
	my $count = 0;
	while (my $pdu = $c->read_pdu) {
		my $command = $pdu->cmd;
		if (my $answer = $answer_to_bind{$command}) {
			my $right = $pdu->{system_id} eq $user && $pdu->{password} eq $password;
			printf "bind 0x%x version 0x%x %s\n", $command, $pdu->{interface_version}, $right ? 'ok' : 'refused';
			$c->$answer(system_id => 'PERL', seq => $pdu->seq, status => $right ? 0 : 0x0e);
		} elsif ($command == Net::SMPP::CMD_submit_sm) {
			submitted($c, $pdu, sprintf 'perl-%d-%d', $$, ++$count) or return;
		} elsif ($command == Net::SMPP::CMD_enquire_link) {
			print "enquire_link\n";
			$c->enquire_link_resp(seq => $pdu->seq);
		} elsif ($command == Net::SMPP::CMD_unbind) {
			print "unbind\n";
			$c->unbind_resp(seq => $pdu->seq);
			return;
		} else {
			printf "got 0x%x status 0x%x\n", $command, $pdu->status;
		}
	}
}

sub submitted {
	my ($c, $pdu, $id) = @_;
	my %tag = (reference => 'sar_msg_ref_num', total => 'sar_total_segments', part => 'sar_segment_seqnum');
	my @tags = map { defined $pdu->{$tag{$_}} ? sprintf('"%s":%d', $_, hex unpack 'H*', $pdu->{$tag{$_}}) : () } sort keys %tag;
	printf qq(submit {"from":"%s","from_ton":%d,"from_npi":%d,"to":"%s","to_ton":%d,"to_npi":%d,"class":%d,"coding":%d,) .
		qq("registered":%d,"validity":"%s","service":"%s","message":"%s","id":"%s"%s}\n),
		@$pdu{qw(source_addr source_addr_ton source_addr_npi destination_addr dest_addr_ton dest_addr_npi esm_class data_coding
			registered_delivery validity_period service_type)}, unpack('H*', $pdu->{short_message}), $id, join '', map { ",$_" } @tags;
	my ($word) = $pdu->{short_message} =~ /^([A-Z]+)/;
	$word = '' unless defined $word;
	return 0 if $word eq 'DIE';
	return 1 if $word eq 'MUTE';
	if (my $status = $refusal{$word}) {
		$c->submit_sm_resp(message_id => '', seq => $pdu->seq, status => $status);
		return 1;
	}
	$c->submit_sm_resp(message_id => $id, seq => $pdu->seq, status => 0);
	return 1 unless $pdu->{registered_delivery};
	my %back = (source_addr => $pdu->{destination_addr}, destination_addr => $pdu->{source_addr}, async => 1);
	$c->deliver_sm(%back, esm_class => 4, short_message =>
		"id:$id sub:001 dlvrd:001 submit date:2611230900 done date:2611230901 stat:DELIVRD err:000 text:");
	$c->deliver_sm(%back, esm_class => 0, short_message => 'STOP');
	$c->enquire_link(async => 1);
	return 1;
}
