import { chargeJob, cpuAccount } from './cpu-time.ts'
import type { Service, WorkLabels } from './work-labels.ts'

/** Runs work under labels while a profile is taken; set by the profiler for as long as it samples. */
export type RunLabelled = (labels: WorkLabels, work: () => void) => void

let running: RunLabelled | undefined

/** Called by the profiler alone: from now on work runs under its labels, or, with `undefined`, no longer does. */
export function labelWith(run: RunLabelled | undefined): void {
  running = run
}

/**
 * Runs `work`, and whatever it starts, under labels of its own; nested work that names others overrides them (OP-92).
 * Costs a comparison while no profile is taken, which is why the labels are a function.
 */
export function underLabels(labels: () => WorkLabels, work: () => void): void {
  if (running === undefined) work()
  else running(labels(), work)
}

/** The same for work with a result, such as the round of a background job. */
export function labelled<Result>(service: Service, work: () => Promise<Result>): Promise<Result> {
  const charged = (): Promise<Result> => chargeJob(cpuAccount({ coder_service: service }), work)
  if (running === undefined) return charged()
  return new Promise((resolve, reject) => {
    underLabels(
      () => ({ coder_service: service }),
      () => void charged().then(resolve, reject),
    )
  })
}
