# Lets brokers reach a port of the machine that the lab's kernel runs on, also where that machine cannot be reached from
# here (another host, a virtual machine): the kernel connects to this program's back, as to any published port, and keeps
# a few connections waiting there. Who comes to the front gets the next of them.
#
# Usage: door.pl FRONT BACK. A connection at the back is greeted with "-" and told "+" when it has been given to somebody
# at the front; from then on bytes go through unchanged, with back pressure and half-close.
use strict;
use warnings;
use Errno qw(EAGAIN EWOULDBLOCK EINTR);
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);

my $MOST = 262_144; # bytes that wait in one direction before its sender is made to wait

$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = $SIG{INT} = sub { exit 0 };

my ($front, $back) = map {
    IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $_, Listen => 128, ReuseAddr => 1, Blocking => 0)
        or die "door: port $_: $!\n"
} @ARGV[0, 1];

my (%peer, %buffer, %ended, %shut, @waiting, @fresh); # by socket; @waiting at the back, @fresh at the front

sub adopt {
    my ($socket) = @_;
    $socket->blocking(0);
    setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1);
    $buffer{$socket} = '';
    return $socket;
}

sub drop {
    my ($socket) = @_;
    my $other = $peer{$socket};
    for my $one (grep { defined } $socket, $other) {
        delete $$_{$one} for \%peer, \%buffer, \%ended, \%shut;
        @waiting = grep { $_ != $one } @waiting;
        @fresh = grep { $_ != $one } @fresh;
        close $one;
    }
}

sub pair_up {
    while (@fresh && @waiting) {
        my ($near, $far) = (shift @fresh, shift @waiting);
        ($peer{$near}, $peer{$far}) = ($far, $near);
        $buffer{$far} .= '+';
    }
}

# What is in the buffer of a socket is for that socket to send; its end follows when its peer has ended.
sub flush_to {
    my ($socket) = @_;
    while (length $buffer{$socket}) {
        my $sent = syswrite $socket, $buffer{$socket};
        if (!defined $sent) {
            return if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
            return drop($socket);
        }
        substr($buffer{$socket}, 0, $sent, '');
    }
    my $other = $peer{$socket} or return;
    return unless $ended{$other} && !$shut{$socket}++;
    shutdown $socket, 1;
    drop($socket) if $ended{$socket};
}

sub read_from {
    my ($socket) = @_;
    my $got = sysread $socket, my $bytes, 65_536;
    if (!defined $got) {
        return if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
        return drop($socket);
    }
    my $other = $peer{$socket};
    if ($got) {
        # Nobody speaks at the back before it is told to.
        return drop($socket) unless $other;
        $buffer{$other} .= $bytes;
        return flush_to($other);
    }
    return drop($socket) unless $other;
    $ended{$socket} = 1;
    flush_to($other);
}

my %known; # the sockets behind the keys of the hashes above
while (1) {
    my @all = grep { defined fileno $_ } values %known;
    %known = map { $_ => $_ } @all;
    my $reading = IO::Select->new($front, $back);
    my $writing = IO::Select->new;
    for my $socket (@all) {
        my $other = $peer{$socket};
        my $room = !$other || length $buffer{$other} < $MOST;
        # Who has just come to the front waits unread until somebody takes it.
        $reading->add($socket) if $room && !$ended{$socket} && !grep { $_ == $socket } @fresh;
        $writing->add($socket) if length $buffer{$socket};
    }
    my ($readable, $writable) = IO::Select->select($reading, $writing, undef);
    for my $socket (@{ $writable || [] }) { flush_to($socket) if exists $buffer{$socket} }
    for my $socket (@{ $readable || [] }) {
        if ($socket == $front || $socket == $back) {
            my $new = $socket->accept or next;
            adopt($new);
            $known{$new} = $new;
            if ($socket == $front) { push @fresh, $new }
            else {
                push @waiting, $new;
                $buffer{$new} = '-';
            }
            pair_up();
        }
        elsif (exists $buffer{$socket}) { read_from($socket) }
    }
}
