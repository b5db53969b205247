import { execFileSync } from 'node:child_process';

/** Reads where a file has data and skips its holes, of which an image consists mostly. */
const SEARCH = String.raw`
my ($path, @words) = @ARGV;
open(my $file, '<:raw', $path) or die "$path: $!";
my $wanted = join '|', map { quotemeta } @words;
my ($SEEK_DATA, $SEEK_HOLE, $overlap) = (3, 4, 256);
my ($from, $tail, %found) = (0, '');
while (defined($from = sysseek($file, $from, $SEEK_DATA))) {
  my $to = sysseek($file, $from, $SEEK_HOLE);
  sysseek($file, $from, 0);
  $tail = '';
  while ($from < $to) {
    my $read = sysread($file, my $chunk, $to - $from < 1 << 22 ? $to - $from : 1 << 22) or last;
    $from += $read;
    my $seen = $tail . $chunk;
    $found{$1} = 1 while $seen =~ /($wanted)/g;
    $tail = substr($seen, -$overlap) if length $seen >= $overlap;
  }
}
print join "\n", sort keys %found;
`;

/** Which of the words are in a file, read byte by byte as whoever has the disk would. */
export function findInFile(path: string, words: readonly string[]): string[] {
  return execFileSync('perl', ['-e', SEARCH, path, ...words]).toString().split('\n').filter(Boolean);
}
