/**
 * The arguments with which an npm of this version installs what package-lock.json asks for.
 *
 * Two development packages say that they want npm 10, and run on Node alone. Debian 13 brings Node 20.19 with npm 9.2, so
 * that an npm before 10 warns of such wishes instead of refusing them. The set-up looks at the version of Node itself.
 */
export function installWords(npmVersion) {
  const isOld = Number.parseInt(npmVersion, 10) < 10;
  return ['ci', '--include=dev', '--no-progress', ...(isOld ? ['--no-engine-strict'] : [])];
}
