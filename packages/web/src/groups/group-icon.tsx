import { UsersRound } from 'lucide-react'

import { classNames } from '../ui/class-names.ts'
import { ThingIcon } from '../ui/thing-icon.tsx'

/** The picture of a group, or the sign for several people. */
export function GroupIcon({ url, large = false }: { readonly url: string; readonly large?: boolean }) {
  return (
    <span
      className={classNames(
        'inline-flex shrink-0 items-center justify-center border border-line text-ink-3',
        large ? 'size-11 rounded-card bg-surface' : 'size-7 rounded-control bg-hover',
      )}
    >
      {url === '' ? (
        <UsersRound className={large ? 'size-5' : 'size-3.5'} strokeWidth={1.75} aria-hidden="true" />
      ) : (
        <ThingIcon src={url} className={large ? 'size-6' : 'size-4'} />
      )}
    </span>
  )
}
