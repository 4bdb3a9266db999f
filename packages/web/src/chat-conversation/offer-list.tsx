import { classNames } from '../ui/class-names.ts'

/** Something that the composer offers for what is typed. */
export interface Offer {
  readonly id: string
  readonly title: string
  readonly note: string
  readonly choose: () => void
}

/** What is offered, above the text; its keys are those of the text field, which keeps the focus. */
export function OfferList({
  id,
  label,
  offers,
  current,
  note,
}: {
  readonly id: string
  readonly label: string
  readonly offers: readonly Offer[]
  readonly current: number
  /** Why there is nothing, or not all. */
  readonly note: string | undefined
}) {
  return (
    <div className="absolute inset-x-0 bottom-full z-20 mb-1.5 animate-fade overflow-hidden rounded-card border border-line bg-raised shadow-float">
      {offers.length === 0 ? null : (
        <div id={id} role="listbox" aria-label={label} className="max-h-64 overflow-y-auto p-1">
          {offers.map((offer, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the text field, which keeps the focus.
            <div
              key={offer.id}
              id={`${id}-${index}`}
              ref={index === current ? showCurrent : undefined}
              role="option"
              tabIndex={-1}
              aria-selected={index === current}
              title={offer.id}
              onMouseDown={(event) => event.preventDefault()}
              onClick={offer.choose}
              className={classNames(
                'flex cursor-pointer items-baseline gap-3 rounded-control px-2 py-1.5 text-sm',
                index === current && 'bg-accent-wash',
              )}
            >
              <span className="max-w-[70%] shrink-0 truncate font-mono text-xs">
                <bdi>{offer.title}</bdi>
              </span>
              <span className="min-w-0 truncate text-ink-2">
                <bdi>{offer.note}</bdi>
              </span>
            </div>
          ))}
        </div>
      )}
      <p
        role="status"
        className={
          note === undefined
            ? 'sr-only'
            : 'border-line px-3 py-2 text-xs text-ink-2 [&:not(:first-child)]:border-t'
        }
      >
        {note ?? `${offers.length} ${offers.length === 1 ? 'offer' : 'offers'}`}
      </p>
    </div>
  )
}

function showCurrent(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' })
}
