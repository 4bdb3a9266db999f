import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { useArmed } from '../ui/use-armed.ts'
import { visibleText } from '../ui/visible-text.ts'

/**
 * A link asks for a workspace at once: nothing is created before the viewer has seen all that the link says, and
 * agreed. Neither Esc nor a click outside is an answer (UI-738).
 */
export function LinkConsent({
  template,
  name,
  preset,
  values,
  onAccept,
  onDecline,
}: {
  readonly template: string
  readonly name: string
  readonly preset: string | undefined
  /** What the link says about parameters, by their names. */
  readonly values: Readonly<Record<string, string>>
  readonly onAccept: () => void
  readonly onDecline: () => void
}) {
  const armed = useArmed()
  const said = Object.entries(values)
  return (
    <Dialog
      open
      insistent
      onClose={onDecline}
      title={`Create a workspace from ${template}?`}
      description="The link that you followed asks for it. Create it only if you trust where the link came from."
      footer={
        <>
          <Button autoFocus onClick={onDecline}>
            Review the form
          </Button>
          <Button tone="primary" disabled={!armed} onClick={onAccept}>
            Create workspace
          </Button>
        </>
      }
    >
      <dl className="max-h-72 overflow-y-auto rounded-control border border-line text-sm">
        <Fact label="Name" value={name} />
        {preset === undefined ? null : <Fact label="Preset" value={preset} />}
        {said.map(([key, value]) => (
          <Fact key={key} label={visibleText(key)} value={value} code />
        ))}
      </dl>
      {said.length === 0 ? (
        <p className="mt-2 text-xs text-ink-2">The link sets no parameters: the template’s defaults apply.</p>
      ) : null}
    </Dialog>
  )
}

function Fact({
  label,
  value,
  code = false,
}: {
  readonly label: string
  readonly value: string
  /** It came with the link, letter by letter. */
  readonly code?: boolean
}) {
  const shown = visibleText(value)
  return (
    <div className="flex flex-col gap-x-4 border-b border-line px-3 py-2 last:border-b-0 sm:flex-row sm:justify-between">
      <dt className="shrink-0 text-ink-2 wrap-anywhere">{label}</dt>
      <dd className="min-w-0 wrap-anywhere sm:text-right">
        {value === '' ? (
          <span className="text-ink-3">empty</span>
        ) : code ? (
          <code className="whitespace-pre-wrap">
            <bdi>{shown}</bdi>
          </code>
        ) : (
          <bdi>{shown}</bdi>
        )}
      </dd>
    </div>
  )
}
