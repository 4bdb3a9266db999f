import type { AIProvider } from '@slipway/contract'
import { classNames } from '../ui/class-names.ts'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { providerKind } from './provider-types.ts'

/** The icon of a provider, or the first letters of what it is. */
export function ProviderIcon({
  provider: { icon, type },
  className,
}: {
  readonly provider: Pick<AIProvider, 'icon' | 'type'>
  /** Size of the tile. */
  readonly className: string
}) {
  return (
    <span
      aria-hidden="true"
      className={classNames(
        'inline-flex shrink-0 items-center justify-center rounded-control border border-line bg-bg text-xs font-semibold text-ink-2',
        className,
      )}
    >
      {icon === '' ? providerKind(type).mark : <ThingIcon src={icon} className="size-[58%]" />}
    </span>
  )
}
