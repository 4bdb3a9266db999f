import type { AnnouncementBanner } from '@slipway/contract'
import { Markdown } from '../ui/markdown.tsx'
import { inkOn } from './ink-on.ts'

/** One announcement as everybody sees it; its colour is the operator's, the ink on it follows (UI-307). */
export function Announcement({ banner }: { readonly banner: AnnouncementBanner }) {
  const { message, background_color: background } = banner
  return (
    <div
      style={{ backgroundColor: background, color: inkOn(background) }}
      className="flex min-h-9 items-center justify-center px-4 py-1.5 text-center text-sm font-medium [&_a]:text-inherit! [&_a]:underline [&_code]:border-current [&_code]:bg-transparent [&_p]:max-w-none"
    >
      <Markdown size="small" text={message} />
    </div>
  )
}
