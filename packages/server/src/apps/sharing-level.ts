/** How widely an app or a port may be reached, narrowest first (AC §9.3). */
const SHARING_LEVELS = ['owner', 'organization', 'authenticated', 'public'] as const
export type SharingLevel = (typeof SHARING_LEVELS)[number]

/** A share that is wider than its template allows by now counts as what is allowed (AC-202). */
export function narrower(level: SharingLevel, highest: SharingLevel): SharingLevel {
  return SHARING_LEVELS.indexOf(level) > SHARING_LEVELS.indexOf(highest) ? highest : level
}

/** The levels that are wider than one, of those that a port may be shared by. */
export function widerThan(highest: SharingLevel): Exclude<SharingLevel, 'owner'>[] {
  return SHARING_LEVELS.slice(SHARING_LEVELS.indexOf(highest) + 1).filter((level) => level !== 'owner')
}
