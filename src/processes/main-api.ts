import 'reflect-metadata';
import { createApi } from './create-api.js';
import { runProcess } from './run-process.js';

/** The process that answers over HTTP. */
runProcess('api', async (ground) => {
  const api = await createApi(ground);
  await api.listen();
  ground.log.info({ url: api.publicUrl }, 'api listening');
  return () => api.close();
});
