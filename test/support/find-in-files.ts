import { execFileSync } from 'node:child_process';

/** Reads where files have data and skips their holes, of which the image of a volume consists mostly. */
const SEARCH = String.raw`
my $wanted = join '|', map { quotemeta } @ARGV;
my ($seek_data, $seek_hole, $most, $overlap) = (3, 4, 1 << 22, 256);
chomp(my @paths = <STDIN>);
for my $path (@paths) {
  open(my $file, '<:raw', $path) or next;
  my ($from, %found) = (0);
  while (defined($from = sysseek($file, $from, $seek_data))) {
    my ($to, $tail) = (sysseek($file, $from, $seek_hole), '');
    sysseek($file, $from, 0);
    while ($from < $to) {
      my $read = sysread($file, my $chunk, $to - $from < $most ? $to - $from : $most) or last;
      $from += $read;
      my $seen = $tail . $chunk;
      $found{$1} = 1 while $seen =~ /($wanted)/g;
      $tail = length $seen > $overlap ? substr($seen, -$overlap) : $seen;
    }
    last if $from < $to;
  }
  print "$_ in $path\n" for sort keys %found;
}
`;

/** Which of the words are in which files, as `WORD in PATH`; read byte by byte, as whoever has the disk would. */
export function findInFiles(paths: readonly string[], words: readonly string[]): string[] {
  return execFileSync('perl', ['-e', SEARCH, ...words], { input: paths.join('\n'), maxBuffer: 2 ** 26 }).toString().split('\n').filter(Boolean);
}
