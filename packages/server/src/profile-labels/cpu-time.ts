import { AsyncLocalStorage } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'

import { Counter, type Registry } from 'prom-client'

import type { WorkLabels } from './work-labels.ts'

/** Time that one kind of work had of the event loop. */
export class CpuAccount {
  readonly labels: WorkLabels
  /** Milliseconds since they were last {@link settle}d, by the clock on the wall. */
  turns = 0
  /** Seconds of processor time. */
  seconds = 0

  constructor(labels: WorkLabels) {
    this.labels = labels
  }
}

const accounts = new Map<string, CpuAccount>()
const jobs = new AsyncLocalStorage<CpuAccount>()
/** What ran for nobody in particular, and what ran beside the event loop: passwords, files, collecting garbage. */
let otherSeconds = 0
let threadSeconds = 0

let charged: CpuAccount | undefined
let since = 0
let turnEnds = false

/** The account of work with these labels; there are no more than routes and jobs. */
export function cpuAccount(labels: WorkLabels): CpuAccount {
  const name = `${labels.coder_service} ${labels.coder_request_type ?? ''} ${labels.route ?? ''}`
  let account = accounts.get(name)
  if (account === undefined) {
    account = new CpuAccount(labels)
    accounts.set(name, account)
  }
  return account
}

/**
 * From now on, until somebody else says so or the turn of the event loop is over, what runs is for this account (OP-93).
 * Called where work begins and where it goes on after it has waited. Costs a look at a clock, and one more for each turn.
 *
 * @param now of `performance.now()`, where the caller has just looked at it.
 */
export function chargeCpu(account: CpuAccount, now = performance.now()): void {
  if (charged !== undefined) charged.turns += now - since
  else if (!turnEnds) {
    turnEnds = true
    setImmediate(endTurn)
  }
  charged = account
  since = now
}

function endTurn(): void {
  turnEnds = false
  if (charged !== undefined) charged.turns += performance.now() - since
  charged = undefined
}

/** Runs a job whose turns are for this account, also those after it has waited. */
export function chargeJob<Result>(account: CpuAccount, work: () => Promise<Result>): Promise<Result> {
  return jobs.run(account, () => {
    chargeCpu(account)
    return work()
  })
}

/** The account of the job that the current code runs for. */
export function jobAccount(): CpuAccount | undefined {
  return jobs.getStore()
}

let lastMain = 0
let lastAll = 0
let lastActive = 0

/**
 * Turns the time of turns into processor time: the operating system knows how much the thread of the event loop had of
 * it, which on a busy machine is less than its turns took.
 */
function settle(): void {
  endTurn()
  const { user, system } = process.threadCpuUsage()
  const all = process.cpuUsage()
  const { active } = performance.eventLoopUtilization()
  const [main, total] = [(user + system) / 1e6, (all.user + all.system) / 1e6]
  const spent = Math.max(0, main - lastMain)
  const turns = [...accounts.values()].reduce((sum, account) => sum + account.turns, 0)
  const busy = Math.max(active - lastActive, turns)
  const rate = busy === 0 ? 0 : Math.min(spent / busy, 1e-3)
  for (const account of accounts.values()) {
    account.seconds += account.turns * rate
    account.turns = 0
  }
  otherSeconds += Math.max(0, spent - turns * rate)
  threadSeconds += Math.max(0, total - lastAll - spent)
  lastMain = main
  lastAll = total
  lastActive = active
}

/**
 * Adds `slipway_cpu_seconds_total` to a registry: who burns processor time, without a profile (OP-93). All series
 * together are the processor time of the process.
 */
export function registerCpuTime(registry: Registry): void {
  new Counter({
    name: 'slipway_cpu_seconds_total',
    help: 'Processor time by what it was spent for; "other" is the rest of the event loop, "threads" what ran beside it.',
    labelNames: ['coder_service', 'coder_request_type', 'route'],
    registers: [registry],
    collect() {
      settle()
      this.reset()
      for (const { labels, seconds } of accounts.values())
        this.inc(
          {
            coder_service: labels.coder_service,
            coder_request_type: labels.coder_request_type ?? '',
            route: labels.route ?? '',
          },
          seconds,
        )
      this.inc({ coder_service: 'other', coder_request_type: '', route: '' }, otherSeconds)
      this.inc({ coder_service: 'threads', coder_request_type: '', route: '' }, threadSeconds)
    },
  })
}
