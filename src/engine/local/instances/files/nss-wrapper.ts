import { quote } from '../../machine/gate-script.js';
import type { InstanceContext } from '../../fleet/instance-context.js';

/*
 * A few of PostgreSQL's programs look up the account that they run as, and so a bare number will not do. Where the
 * machine's passwd has no entry for it, and it should not, a library answers in its place.
 */
const NSS_WRAPPER = 'libnss_wrapper.so';

/** Variables for a program that looks itself up; {@link nssWrapperFiles} has to be run before. */
export function nssWrapperEnvironment({ paths }: InstanceContext): string[] {
  return [`LD_PRELOAD=${NSS_WRAPPER}`, `NSS_WRAPPER_PASSWD=${paths.home}/passwd`, `NSS_WRAPPER_GROUP=${paths.home}/group`];
}

/** A line that writes what the library answers with: the instance's own number, and nobody else's. */
export function nssWrapperFiles({ paths, account }: InstanceContext): string {
  const { home } = paths;
  const uid = account?.uid ?? 0;
  const passwd = quote(`instance:x:${uid}:${uid}::/nonexistent:/bin/false`);
  const group = quote(`instance:x:${uid}:`);
  const [passwdFile, groupFile] = [quote(`${home}/passwd`), quote(`${home}/group`)];
  return `echo ${passwd} >${passwdFile} && echo ${group} >${groupFile} && chmod 644 ${passwdFile} ${groupFile}`;
}
