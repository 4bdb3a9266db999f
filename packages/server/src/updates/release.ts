import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'

/** A release as a feed announces it. */
export const Release = Type.Object({
  /** As a server of that release reports it, such as `v2.36.0+slipway.0.2.0`. */
  version: Type.String({ maxLength: 128 }),
  /** Where to read about it. */
  url: Type.String({ maxLength: 2_048, pattern: '^https?://' }),
})
export type Release = Static<typeof Release>

/** The level of the reference, and our own release. */
const VERSION = /^v\d+\.\d+\.\d+\+slipway\.(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/

const release = Compile(Release)

/**
 * The release in an answer of a feed.
 *
 * @throws Error when the answer does not have the form, or names no version of ours.
 */
export function releaseFrom(answer: unknown): Release {
  if (!isRelease(answer))
    throw new Error(
      'the feed must answer {"version": "v2.36.0+slipway.0.2.0", "url": "https://…"} with a version of Slipway',
    )
  return { version: answer.version, url: answer.url }
}

/** Whether a value is a release with a version of ours. */
export function isRelease(value: unknown): value is Release {
  return release.Check(value) && numbersOf(value.version) !== undefined
}

/** Whether a version is newer than another; no version that we cannot read is. */
export function isNewer(version: string, than: string): boolean {
  const [one, other] = [numbersOf(version), numbersOf(than)]
  if (one === undefined || other === undefined) return false
  const at = one.findIndex((number, i) => number !== other[i])
  return at >= 0 && (one[at] ?? 0) > (other[at] ?? 0)
}

function numbersOf(version: string): number[] | undefined {
  return VERSION.exec(version)?.slice(1).map(Number)
}
