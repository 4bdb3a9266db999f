import type { WorkspaceAppStatusState } from '@slipway/contract'

const MAX_WAITING = 512

/** Something that may be worth a report. */
export interface Observation {
  /** Empty when there is nothing to say, which is no report. */
  readonly state: WorkspaceAppStatusState | ''
  readonly summary: string
  readonly link: string
  /** Whether the assistant says so itself, and not what is seen on its screen. */
  readonly isSelfReported: boolean
  /** The message of the user that it is about. */
  readonly messageId?: number | undefined
}

/** A report as it is sent. */
export interface Report {
  readonly state: WorkspaceAppStatusState
  readonly summary: string
  readonly link: string
}

/**
 * Reports of a task in the order in which they are to be sent; says which observations are worth one (OA-98). What an
 * assistant says and what its screen shows comes in here, often twice.
 */
export class TaskReports {
  readonly #hasScreen: boolean
  readonly #waiting: Report[] = []
  #last: Report | undefined
  #lastMessage = -1
  #wake: (() => void) | undefined
  #isClosed = false

  /** @param hasScreen whether the screen of the assistant is watched, too. */
  constructor(hasScreen: boolean) {
    this.#hasScreen = hasScreen
  }

  /** @returns false when too many reports wait already. */
  add(observation: Observation): boolean {
    const report = this.#worth(observation)
    if (report === undefined) return true
    if (this.#waiting.length >= MAX_WAITING) return false
    this.#last = report
    this.#waiting.push(report)
    this.#wake?.()
    return true
  }

  #worth({ state, summary, link, isSelfReported, messageId }: Observation): Report | undefined {
    if (state === '') return undefined
    if (messageId !== undefined) {
      if (messageId <= this.#lastMessage) return undefined
      this.#lastMessage = messageId
    }
    const last = this.#last
    // Screens move while an assistant works and when its user types; neither is news, unless nothing is known yet.
    if (state === 'working' && !isSelfReported && messageId === undefined && last !== undefined)
      return undefined
    const report: Report = {
      // An assistant does not know well when it waits; its screen does. How a task has ended only it can know.
      state: isSelfReported && this.#hasScreen && state === 'idle' ? 'working' : state,
      summary: summary === '' ? (last?.summary ?? '') : summary,
      link: summary === '' && link === '' ? (last?.link ?? '') : link,
    }
    const isRepeated =
      last !== undefined &&
      report.state === last.state &&
      report.summary === last.summary &&
      report.link === last.link
    return isRepeated ? undefined : report
  }

  /** The next report when there is one; undefined when there will be none any more. One caller at a time. */
  async next(): Promise<Report | undefined> {
    while (this.#waiting.length === 0 && !this.#isClosed)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    return this.#waiting.shift()
  }

  /** Says that nothing will be added any more. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }
}
