import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'

/** What ends a form of settings: its verb, and the way back while something was changed. */
export function SaveBar({
  verb,
  same,
  busy,
  onDiscard,
}: {
  readonly verb: string
  readonly same: boolean
  readonly busy: boolean
  readonly onDiscard: () => void
}) {
  const online = useOnline()
  return (
    <div className="flex justify-end gap-2">
      {same ? null : <Button onClick={onDiscard}>Discard changes</Button>}
      <Button type="submit" tone="primary" busy={busy} disabled={!online || same}>
        {verb}
      </Button>
    </div>
  )
}
