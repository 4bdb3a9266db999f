import { Gauge, type Registry } from 'prom-client'

import { describeError } from '@slipway/request-log'
import type { AppContext } from '../context.ts'

/** How old what is shown of the database may be, in milliseconds: whoever reads the metrics often costs nothing. */
const KEPT_MS = 15_000

/** Reads figures; undefined when they cannot be read. */
export type ReadFigures<Figures> = () => Promise<Figures | undefined>

/** Figures that are read once for all series that show them, and for all who ask within a while (AC-33). */
export function databaseFigures<Figures>(
  { clock, log }: Pick<AppContext, 'clock' | 'log'>,
  load: () => Promise<Figures>,
): ReadFigures<Figures> {
  let kept: { readonly at: number; readonly figures: Promise<Figures | undefined> } | undefined
  return () => {
    const now = clock.now().getTime()
    // The clock may have been set back.
    if (kept === undefined || Math.abs(now - kept.at) > KEPT_MS) {
      const figures = load().catch((error: unknown) => {
        // The other series are as good without these.
        log.warn('figures for the metrics could not be read; the last ones stay', {
          error: describeError(error),
        })
        return undefined
      })
      kept = { at: now, figures }
    }
    return kept.figures
  }
}

/**
 * Adds a gauge of such figures. It is written when somebody asks for it and the figures have been read anew; when they
 * cannot be read, it keeps those that it has.
 *
 * @param show writes all series; none of those before is left.
 */
export function addGauge<Figures, Label extends string>(
  registry: Registry,
  described: { readonly name: string; readonly help: string; readonly labelNames?: readonly Label[] },
  read: ReadFigures<Figures>,
  show: (figures: Figures, gauge: Gauge<Label>) => void,
): void {
  let shown: Figures | undefined
  new Gauge<Label>({
    name: described.name,
    help: described.help,
    labelNames: described.labelNames ?? [],
    registers: [registry],
    async collect() {
      const figures = await read()
      if (figures === undefined || figures === shown) return
      shown = figures
      this.reset()
      show(figures, this)
    },
  })
}
