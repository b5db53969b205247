import { describeOperationStore } from '../support/operation-store-suite.js';
import { MemoryTx } from './kernel/memory-metadata.js';
import { MemoryOperationStore } from './kernel/memory-store.js';

describeOperationStore('in memory', async () => {
  let now = 1_000_000;
  const store = new MemoryOperationStore({ now: () => now });
  const marks: string[] = [];
  return {
    store,
    request: async (operation) => {
      const tx = new MemoryTx();
      const document = await store.request(tx, operation);
      tx.commit();
      return document;
    },
    find: async (id) => store.find(id)!,
    token: async (fenceId) => store.token(fenceId),
    hasten: async (id) => {
      store.hasten(id);
      now += 1;
    },
    mark: (text) => async (tx) => { tx.write(() => marks.push(text)); },
    marks: async () => marks,
    close: async () => undefined,
  };
});
