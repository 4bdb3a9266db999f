import { Gauge } from 'prom-client'

import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { countBusyChats } from './store/retention.ts'

const actor = systemActor('chatd', 'operators are told how many chats do something')
const STATES = ['running', 'interrupting', 'requires_action'] as const

/** Adds the number of chats that do something, by what they do (CH-1704), which is counted when it is asked for. */
export function countChats({ database, metrics }: Pick<AppContext, 'database' | 'metrics'>): void {
  const gauge = new Gauge({
    name: 'coderd_chatd_chats',
    help: 'Chats that do something, of all replicas.',
    labelNames: ['state'],
    registers: [metrics],
    collect: async () => {
      // The other series are as good without these.
      const counts = await countBusyChats(actor, database.db).catch(() => undefined)
      if (counts === undefined) return
      for (const state of STATES) gauge.set({ state }, counts.get(state) ?? 0)
    },
  })
}
