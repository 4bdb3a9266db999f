import { ApiError, type Call } from './http.ts'

/** Somebody waits for a fresh proof of who holds the session. */
export interface StepUpRequest {
  readonly settle: (proved: boolean) => void
}

/** One question at a time: whoever needs a proof meanwhile waits for the same one (L-32). */
class StepUp {
  #request: StepUpRequest | undefined
  #answer: Promise<boolean> | undefined
  readonly #listeners = new Set<() => void>()

  readonly request = (): StepUpRequest | undefined => this.#request

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether the viewer has proved who they are; false when they would not. */
  ask(): Promise<boolean> {
    this.#answer ??= new Promise<boolean>((resolve) => {
      this.#set({
        settle: (proved) => {
          this.#answer = undefined
          this.#set(undefined)
          resolve(proved)
        },
      })
    })
    return this.#answer
  }

  #set(request: StepUpRequest | undefined): void {
    this.#request = request
    for (const listener of this.#listeners) listener()
  }
}

/** What the dialog shows, and who it answers. */
export const stepUpRequests = new StepUp()

/**
 * The same client, which on a 403 with `step_up_required` has the viewer prove who they are and sends the request once
 * more. Without the proof the refusal stays.
 */
export function withStepUp(call: Call, ask = () => stepUpRequests.ask()): Call {
  return async (route, options) => {
    try {
      return await call(route, options)
    } catch (error) {
      if (!needsStepUp(error)) throw error
      if (!(await ask())) throw declined(error)
    }
    return call(route, options)
  }
}

function needsStepUp(error: unknown): error is ApiError {
  return (
    error instanceof ApiError &&
    error.status === 403 &&
    typeof error.body === 'object' &&
    error.body !== null &&
    'step_up_required' in error.body
  )
}

/** What the server says to programs is no help to people. */
function declined(error: ApiError): ApiError {
  return new ApiError({ ...error, message: 'This needs a fresh proof that it is you.', detail: undefined })
}
