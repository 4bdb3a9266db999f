import { setTimeout as delay } from 'node:timers/promises'

import type { AgentContextResource } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import { type ControlPlane, untilSuccess } from '../control-plane.ts'
import { hashOf, type ScanPlaces, scan, scannedPlaces } from './scan.ts'

/** How often it is looked for changes, in milliseconds. */
const SCAN_MS = 15_000

/** Tells the control plane what chats should know of this workspace, at the start and whenever it has changed (AC-86). */
export class ChatContext implements AsyncDisposable {
  readonly #places: ScanPlaces
  readonly #controlPlane: Pick<ControlPlane, 'chatContext'>
  readonly #log: Logger
  readonly #closed = new AbortController()
  readonly #running: Promise<void>
  #version = 0
  #pushed: string | undefined
  #syncing: Promise<boolean> | undefined

  constructor(options: {
    readonly places: ScanPlaces
    readonly controlPlane: Pick<ControlPlane, 'chatContext'>
    readonly log: Logger
  }) {
    this.#places = options.places
    this.#controlPlane = options.controlPlane
    this.#log = options.log
    this.#running = this.#run()
  }

  /** `GET context-config`: where it is looked for what. */
  get config(): Readonly<Record<string, unknown>> {
    return { ...this.#places, operating_system: process.platform, ...scannedPlaces(this.#places) }
  }

  /** `GET context/sources`: what there is now, without its text. */
  async sources(): Promise<{ readonly resources: readonly object[] }> {
    const resources = await scan(this.#places)
    return { resources: resources.map(({ body: _, ...resource }) => resource) }
  }

  /** `POST context/resync`: looks at once, and tells what has changed. */
  async resync(): Promise<{ readonly changed: boolean; readonly aggregate_hash: string }> {
    const changed = await this.#sync()
    return { changed, aggregate_hash: this.#pushed ?? '' }
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed
    while (!signal.aborted) {
      await this.#sync().catch((error: unknown) => {
        if (!signal.aborted)
          this.#log.warn('what chats should know could not be told', { error: describeError(error) })
      })
      await delay(SCAN_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  /** Two looks at the same time are one. */
  #sync(): Promise<boolean> {
    this.#syncing ??= this.#look().finally(() => {
      this.#syncing = undefined
    })
    return this.#syncing
  }

  async #look(): Promise<boolean> {
    const resources = await scan(this.#places)
    const hash = hashOf(resources)
    if (hash === this.#pushed) return false
    await this.#push(resources, hash)
    return true
  }

  async #push(resources: readonly AgentContextResource[], hash: string): Promise<void> {
    await untilSuccess(
      () =>
        this.#controlPlane.chatContext({
          initial: this.#pushed === undefined,
          version: this.#version,
          aggregate_hash: hash,
          operating_system: process.platform,
          directory: this.#places.directory,
          resources: [...resources],
        }),
      {
        signal: this.#closed.signal,
        onFailure: (error) =>
          this.#log.info('what chats should know cannot be told yet', { error: describeError(error) }),
      },
    )
    this.#version += 1
    this.#pushed = hash
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort()
    await this.#running
  }
}
