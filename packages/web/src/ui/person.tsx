import { AppLink } from '../navigation/app-link.tsx'
import { Avatar } from './avatar.tsx'

interface PersonProps {
  readonly username: string
  readonly name?: string
  readonly avatarUrl: string
  /** A second line, such as the email. */
  readonly note?: string
  readonly link?: { readonly href: string; readonly title: string }
}

/** A user in the first column of a table. */
export function Person({ username, name = '', avatarUrl, note = '', link }: PersonProps) {
  return (
    <span className="flex min-w-0 items-center gap-3">
      <Avatar name={username} url={avatarUrl} className="size-7" />
      <span className="min-w-0">
        <span className="flex min-w-0 items-baseline gap-2">
          {link === undefined ? (
            <bdi className="truncate font-medium">{username}</bdi>
          ) : (
            <AppLink {...link} className="truncate font-medium hover:text-accent">
              <bdi>{username}</bdi>
            </AppLink>
          )}
          {name === '' ? null : <span className="truncate text-xs text-ink-2 max-sm:hidden">{name}</span>}
        </span>
        {note === '' ? null : <span className="block truncate text-xs text-ink-2">{note}</span>}
      </span>
    </span>
  )
}
