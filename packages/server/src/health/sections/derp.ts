import type { DERPHealthReport } from '@slipway/contract'
import { type Section, WELL } from '../section.ts'

/** There is nothing to look at: the relay is a part of the server, which answers or does not. */
export const derpSection: Section<DERPHealthReport> = {
  name: 'DERP',
  look: async () => ({
    ...WELL,
    warnings: [],
    regions: {},
    netcheck_logs: [
      'The relay is a part of the server and is not tried from here; the metrics tell how it is (slipway_derp_*).',
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
