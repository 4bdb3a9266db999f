import { Ellipsis, type LucideIcon } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import type { ReactNode } from 'react'

import { Button } from './button.tsx'
import { classNames } from './class-names.ts'

/** One entry of a menu. A disabled entry says why in `hint`. */
export interface MenuItem {
  readonly id: string
  readonly label: string
  readonly icon?: LucideIcon
  readonly hint?: string | undefined
  readonly danger?: boolean
  readonly disabled?: boolean
  readonly checked?: boolean
  readonly onSelect: () => void
}

interface MenuProps {
  readonly label: string
  /** Groups are parted by a rule. */
  readonly groups: readonly (readonly MenuItem[])[]
  /** The button that opens it; three dots by default. */
  readonly trigger?: ReactNode
  readonly header?: ReactNode
  readonly align?: 'start' | 'end'
  readonly side?: 'top' | 'bottom'
  /** Opened by something else than its button too. */
  readonly open?: boolean
  readonly onOpenChange?: (open: boolean) => void
}

/** A menu of actions. */
export function Menu({
  label,
  groups,
  trigger,
  header,
  align = 'end',
  side = 'bottom',
  open,
  onOpenChange,
}: MenuProps) {
  const filled = groups.filter((group) => group.length > 0)
  return (
    <DropdownMenu.Root
      modal={false}
      {...(open === undefined ? {} : { open })}
      {...(onOpenChange === undefined ? {} : { onOpenChange })}
    >
      <DropdownMenu.Trigger asChild>
        {trigger ?? (
          <Button tone="quiet" size="icon" aria-label={label} icon={<Ellipsis className="size-4" />} />
        )}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align={align}
          side={side}
          sideOffset={4}
          collisionPadding={8}
          aria-label={label}
          className="z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-44 max-w-80 animate-fade overflow-y-auto rounded-card border border-line bg-raised p-1 shadow-float"
        >
          {header}
          {filled.map((group, index) => (
            <div key={group[0]?.id}>
              {index > 0 || header !== undefined ? (
                <DropdownMenu.Separator className="-mx-1 my-1 h-px bg-line" />
              ) : null}
              {group.map((item) => (
                <MenuEntry key={item.id} item={item} />
              ))}
            </div>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

function MenuEntry({ item }: { readonly item: MenuItem }) {
  const Icon = item.icon
  const className = classNames(
    'group/entry flex min-h-8 cursor-default select-none items-center gap-2.5 rounded-control px-2 py-1 text-sm outline-none pointer-coarse:min-h-10',
    // The ground of menus is too near to that of hovering to show where the keyboard is.
    'data-[highlighted]:bg-accent-wash data-[disabled]:opacity-50',
    item.danger === true && 'text-bad',
  )
  const content = (
    <>
      {Icon === undefined ? null : (
        <Icon className="size-4 shrink-0 opacity-80" strokeWidth={1.75} aria-hidden="true" />
      )}
      <span className="min-w-0 flex-1">
        <span className="block truncate">{item.label}</span>
        {item.hint === undefined ? null : (
          <span className="block text-xs text-ink-3 group-data-[highlighted]/entry:text-ink-2">
            {item.hint}
          </span>
        )}
      </span>
    </>
  )
  if (item.checked !== undefined)
    return (
      <DropdownMenu.CheckboxItem
        checked={item.checked}
        disabled={item.disabled === true}
        onSelect={item.onSelect}
        className={className}
      >
        {content}
        <span className="inline-flex size-4 items-center justify-center">
          <DropdownMenu.ItemIndicator className="text-accent">✓</DropdownMenu.ItemIndicator>
        </span>
      </DropdownMenu.CheckboxItem>
    )
  return (
    <DropdownMenu.Item disabled={item.disabled === true} onSelect={item.onSelect} className={className}>
      {content}
    </DropdownMenu.Item>
  )
}
