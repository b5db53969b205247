/** Exit codes of {@link VOLUME_SCRIPT} beside 0. */
export const VOLUME_EXIT = {
  /** The key that came is not the one of the volume. */
  wrongKey: 65,
  failed: 74,
} as const;

/** What the script prints of a volume that is there and is a plain directory, and is left so. */
export const PLAIN_VOLUME = 'plain';

/** Held in each volume for the moment at which it is full: a server that cannot write its WAL does not start. */
const BALLAST_MIB = 64;

/**
 * Makes, opens and closes the encrypted volume of a database on one host: a sparse image of ext4 with a folder that is encrypted by
 * fscrypt, of which only that folder is mounted.
 *
 * - `make`: makes what is missing of it, and opens it; what an interrupted call left behind is finished or made anew. A volume
 *   that is a plain directory with something in it stays one.
 * - `open`: the same of an image that is there. A file system that gave up, since the disk below it was full, is checked and mounted
 *   again; one that is smaller than wanted is made larger; one that is full is given the room of its ballast.
 * - `close`: takes the key from the kernel and unmounts.
 * - `remove`: the same, and removes the image; not if something is left in the volume, which it then tells by `kept`.
 *
 * The image takes its name only when it is a whole file system on disk, and the folder only when it is encrypted. A lock keeps
 * calls for the same volume apart. The key, 64 bytes in hexadecimal, comes on standard input.
 *
 * In Perl, since every Debian and Ubuntu has it (perl-base is essential) and can call an ioctl; the numbers and structures are those
 * of linux/fscrypt.h, which are the same on all 64-bit machines: a policy of version 2 with AES-256-XTS for contents and
 * AES-256-CTS for names.
 */
export const VOLUME_SCRIPT = String.raw`#!/usr/bin/perl
# freehold-volume ACTION DIRECTORY BYTES
use strict;
use warnings;
use Fcntl qw(:flock O_CREAT O_EXCL O_RDONLY O_RDWR O_WRONLY);
use IO::Handle;
use constant { EIO => 5, EROFS => 30, ENOKEY => 126 };

my ($action, $directory, $bytes) = @ARGV;
my ($volume, $image, $stage) = ("$directory/volume", "$directory/volume.img", "$directory/volume.disk");
my $ballast = "$volume/.ballast";
my ($ballast_bytes, $mib) = (${BALLAST_MIB} << 20, 1 << 20);
my ($add_key, $remove_key, $set_policy, $get_policy) = (0xc0506617, 0xc0406619, 0x800c6613, 0xc0096616);
umask 077;

sub fail { my ($code, $text) = @_; $text =~ s/\s+/ /g; print STDERR "$text\n"; exit $code }

sub run {
  my @words = @_;
  my $child = open(my $output, '-|') // fail(${VOLUME_EXIT.failed}, "fork: $!");
  if (!$child) {
    open(STDERR, '>&', \*STDOUT) and open(STDIN, '<', '/dev/null') and exec { $words[0] } @words;
    exit 127;
  }
  local $/;
  my $text = <$output> // '';
  close $output;
  return ($? >> 8, $text);
}

sub must {
  my ($code, $text) = run(@_);
  fail(${VOLUME_EXIT.failed}, "$_[0] of $directory/volume failed: $text") if $code;
  return $text;
}

sub open_file {
  my ($path, $how) = @_;
  sysopen(my $handle, $path, $how) or fail(${VOLUME_EXIT.failed}, "$path: $!");
  return $handle;
}

sub is_mounted { my ($path) = @_; return -d $path && (stat _)[0] != (stat $directory)[0] }

# Calls an ioctl on a path; what the kernel writes into the third argument is left there.
sub control {
  sysopen(my $handle, $_[0], O_RDONLY) or return;
  return ioctl($handle, $_[1], $_[2]);
}

# struct fscrypt_add_key_arg; answers with the identifier that the kernel makes of the key.
sub give_key {
  my ($path) = @_;
  my $key = <STDIN> // '';
  $key =~ /^([0-9a-f]{128})\n?$/ or fail(${VOLUME_EXIT.wrongKey}, "no key came for $volume");
  my $argument = pack('L x36 L x36', 2, 64) . pack('H*', $1);
  control($path, $add_key, $argument) or fail(${VOLUME_EXIT.failed}, "the kernel does not take a key for $volume: $!");
  return substr($argument, 8, 16);
}

# struct fscrypt_remove_key_arg
sub take_key { my ($path, $identifier) = @_; control($path, $remove_key, my $argument = pack('L x4 a32 x24', 2, $identifier)) }

# struct fscrypt_get_policy_ex_arg, with a struct fscrypt_policy_v2 in it
sub key_of {
  my $argument = pack('Q x24', 24);
  control($_[0], $get_policy, $argument) or return;
  return substr($argument, 16, 16);
}

sub unlock {
  my ($path, $folder) = @_;
  my $wanted = key_of($folder) // fail(${VOLUME_EXIT.failed}, "$folder is not encrypted: $!");
  my $given = give_key($path);
  return if $given eq $wanted;
  take_key($path, $given);
  fail(${VOLUME_EXIT.wrongKey}, "the key is not the one that $volume was made with");
}

sub make_image {
  unlink "$image.new";
  my $file = open_file("$image.new", O_RDWR | O_CREAT | O_EXCL);
  truncate($file, $bytes) or fail(${VOLUME_EXIT.failed}, "$image.new: $!");
  must('mkfs.ext4', '-q', '-F', '-m', '0', '-i', '32768', '-O', 'encrypt', '-J', 'size=4',
    '-E', 'lazy_itable_init=1,lazy_journal_init=1,nodiscard', "$image.new");
  $file->sync && rename("$image.new", $image) or fail(${VOLUME_EXIT.failed}, "$image: $!");
  open_file($directory, O_RDONLY)->sync or fail(${VOLUME_EXIT.failed}, "$directory: $!");
}

sub mend_image {
  my $grows = -s $image < $bytes;
  truncate($image, $bytes) or fail(${VOLUME_EXIT.failed}, "$image: $!") if $grows;
  my ($code, $text) = run('e2fsck', $grows ? '-fp' : '-p', $image);
  fail(${VOLUME_EXIT.failed}, "the file system in $image is damaged (run e2fsck on it by hand): $text") if $code > 2;
  must('resize2fs', $image) if $grows;
}

sub make_folder {
  my $new = "$stage/sealed.new";
  rmdir $new;
  mkdir $new or fail(${VOLUME_EXIT.failed}, "$new: $!");
  my $policy = pack('C4 x4 a16', 2, 1, 4, 3, give_key($stage));
  control($new, $set_policy, $policy) or fail(${VOLUME_EXIT.failed}, "$new cannot be encrypted: $!");
  chmod(0711, $new) && rename($new, "$stage/sealed") or fail(${VOLUME_EXIT.failed}, "$new: $!");
}

# Whether files can be made in it; what has no key is given it.
sub is_sound {
  for (1, 2) {
    return unlink "$volume/.probe" if sysopen(my $file, "$volume/.probe", O_WRONLY | O_CREAT);
    return $! != EROFS && $! != EIO if $! != ENOKEY;
    unlock($volume, $volume);
  }
  return 0;
}

sub keep_ballast {
  my ($free, $block) = split ' ', must('stat', '-f', '-c', '%a %S', $volume);
  if (-e $ballast) { unlink $ballast if $free * $block < 16 * $mib }
  elsif ($free * $block > 4 * $ballast_bytes) { run('fallocate', '-l', $ballast_bytes, $ballast) }
}

sub open_volume {
  if (is_mounted($volume)) {
    return keep_ballast() if is_sound();
    must('umount', $volume);
  }
  if (!is_mounted($stage)) {
    mend_image() unless $_[0];
    -d $stage or mkdir $stage or fail(${VOLUME_EXIT.failed}, "$stage: $!");
    must('mount', '-t', 'ext4', '-o', 'loop,nosuid,nodev,noexec,noatime,discard,noinit_itable', $image, $stage);
  }
  if (-d "$stage/sealed") { unlock($stage, "$stage/sealed") } else { make_folder() }
  -d $volume or mkdir $volume or fail(${VOLUME_EXIT.failed}, "$volume: $!");
  must('mount', '--bind', "$stage/sealed", $volume);
  must('umount', $stage);
  rmdir $stage;
  keep_ballast();
}

sub close_volume {
  if (is_mounted($volume)) {
    my $identifier = key_of($volume);
    take_key($volume, $identifier) if defined $identifier;
  }
  for my $path ($stage, $volume) {
    next unless is_mounted($path);
    my ($code) = run('umount', $path);
    # Of whoever still stands in it only the open files are left: the key is gone.
    must('umount', '--lazy', $path) if $code;
  }
  rmdir $stage;
}

sub entries {
  opendir(my $handle, $_[0]) or return;
  return grep { $_ ne '.' && $_ ne '..' && $_ ne '.ballast' } readdir $handle;
}

-d $directory or exit 0 if $action ne 'make';
-d $directory or mkdir $directory or fail(${VOLUME_EXIT.failed}, "$directory: $!");
my $lock = open_file("$directory/volume.lock", O_RDWR | O_CREAT);
flock($lock, LOCK_EX) or fail(${VOLUME_EXIT.failed}, "$directory/volume.lock: $!");
# What somebody else has mounted there is theirs.
my $is_plain = !-e $image && (is_mounted($volume) || entries($volume));
if ($is_plain) { print "${PLAIN_VOLUME}\n" }
elsif ($action eq 'make') {
  my $new = !-e $image;
  make_image() if $new;
  open_volume($new);
}
elsif ($action eq 'open') { open_volume(0) if -e $image }
elsif ($action eq 'close') { close_volume() }
elsif ($action eq 'remove') {
  if (is_mounted($volume) && entries($volume)) { print "kept\n"; exit 0 }
  close_volume();
  unlink $image, "$image.new";
  rmdir $volume;
}
else { fail(64, "$action is not an action") }
`;
