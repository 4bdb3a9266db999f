import type { DERPHealthReport } from '@slipway/contract'
import { type Section, WELL } from '../section.ts'

/** There is nothing to look at: Slipway has no relays of this kind, and no client needs one. */
export const derpSection: Section<DERPHealthReport> = {
  name: 'DERP',
  look: async () => ({
    ...WELL,
    warnings: [],
    regions: {},
    netcheck_logs: [
      'This deployment has no DERP relays: agents and clients reach each other through tunnels of the server.',
    ],
  }),
  failed: (error) => ({
    severity: 'error',
    healthy: false,
    error,
    warnings: [],
    regions: {},
    netcheck_logs: [],
  }),
}
