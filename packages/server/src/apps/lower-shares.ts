import { systemActor } from '../authz/index.ts'
import type { TemplateEffect } from '../templates/index.ts'
import { lowerPortShares } from './store.ts'

const actor = systemActor(
  'autostart',
  'ports are shared no wider than the template of their workspace allows',
)

/** Takes shared ports back when a template allows less than before (WS-89, WS-310). */
export const lowerShares: TemplateEffect = async (tx, { before, after }) => {
  if (before.max_port_sharing_level !== after.max_port_sharing_level)
    await lowerPortShares(actor, tx, after, after.max_port_sharing_level)
  return undefined
}
