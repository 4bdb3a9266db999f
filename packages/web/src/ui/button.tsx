import type { ComponentProps, ReactNode } from 'react'

import { classNames } from './class-names.ts'
import { Spinner } from './spinner.tsx'

export type ButtonTone = 'primary' | 'secondary' | 'quiet' | 'danger'

interface ButtonLook {
  readonly tone?: ButtonTone
  readonly size?: 'regular' | 'dense' | 'icon'
}

/** Classes of a button, for links that look like one. */
export function buttonClass({ tone = 'secondary', size = 'regular' }: ButtonLook): string {
  return classNames(
    'inline-flex shrink-0 select-none items-center justify-center gap-1.5 whitespace-nowrap rounded-control font-medium',
    'transition-colors duration-(--fast) ease-out disabled:opacity-55 aria-disabled:opacity-55',
    'pointer-coarse:min-h-10',
    size === 'regular' && 'h-8 px-3 text-sm',
    size === 'dense' && 'h-7 px-2 text-xs',
    size === 'icon' && 'size-8 pointer-coarse:min-w-10',
    tone === 'primary' &&
      'bg-accent text-accent-ink not-disabled:hover:bg-[color-mix(in_srgb,var(--accent)_88%,var(--ink))]',
    tone === 'secondary' && 'border border-line-strong bg-surface text-ink not-disabled:hover:bg-hover',
    tone === 'quiet' && 'text-ink-2 not-disabled:hover:bg-hover not-disabled:hover:text-ink',
    tone === 'danger' &&
      'bg-bad text-bad-ink not-disabled:hover:bg-[color-mix(in_srgb,var(--bad)_88%,var(--ink))]',
  )
}

interface ButtonProps extends ComponentProps<'button'>, ButtonLook {
  /** Shows progress and takes no clicks while true. */
  readonly busy?: boolean
  readonly icon?: ReactNode
}

/** A button. Icon-only buttons need `aria-label`. */
export function Button({
  tone,
  size,
  busy = false,
  icon,
  children,
  className,
  disabled,
  ...rest
}: ButtonProps) {
  const look: ButtonLook = { ...(tone ? { tone } : {}), ...(size ? { size } : {}) }
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled === true || busy}
      aria-busy={busy || undefined}
      className={classNames(buttonClass(look), className)}
    >
      {busy ? <Spinner /> : icon}
      {children}
    </button>
  )
}
