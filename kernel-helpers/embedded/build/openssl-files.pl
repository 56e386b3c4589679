# What OpenSSL's Configure found out, as JSON: the C files of the libraries, and which files are made from what, with
# which Perl modules. Runs in the configured folder.
use strict;
use warnings;
use JSON::PP;
use configdata;

my %unit = %configdata::unified_info;
my @libraries = ("libcrypto", "libssl", "providers/libdefault.a", "providers/libcommon.a");
my @objects = map { @{ $unit{sources}{$_} || [] } } @libraries;
my @files = map { @{ $unit{sources}{$_} || [] } } @objects;

my %made;
for my $target (grep { m{^(include|crypto|providers)/.*\.[ch]$} } keys %{ $unit{generate} }) {
	my @modules = grep { /\.pm$/ } @{ $unit{depends}{$target} || [] };
	$made{$target} = { from => $unit{generate}{$target}[0], modules => \@modules };
}
print JSON::PP->new->canonical->encode({ files => \@files, made => \%made });
