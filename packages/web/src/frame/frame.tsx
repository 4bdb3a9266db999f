import { Outlet } from '@tanstack/react-router'
import { Menu as MenuIcon, X } from 'lucide-react'
import { Dialog as Primitive } from 'radix-ui'
import { type ReactNode, useEffect, useState } from 'react'

import { Announcements } from '../announcements/announcements.tsx'
import { useAccountLook } from '../appearance/use-look.ts'
import { usePathname } from '../navigation/app-link.tsx'
import { Bell } from '../notifications/bell.tsx'
import { useInboxLive } from '../notifications/use-inbox-live.ts'
import { startServiceWorker } from '../offline/service-worker.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { Logo } from '../ui/logo.tsx'
import { ModalContent } from '../ui/modal.tsx'
import { PRODUCT } from '../ui/product.ts'
import { CommandPalette } from './command-palette.tsx'
import { KeysDialog } from './keys-dialog.tsx'
import { Rail } from './rail.tsx'
import { useFrameKeys } from './use-frame-keys.ts'
import { useKeptFocus } from './use-kept-focus.ts'

const COLLAPSED = 'slipway.rail'

/** Rail, page, palette: around every page but terminals and the ones before signing in. */
export function Frame() {
  useAccountLook()
  useEffect(startServiceWorker, [])
  useKeptFocus()
  const announcement = useInboxLive()
  const [collapsed, setCollapsed] = useState(readCollapsed)
  const [sheet, setSheet] = useState(false)
  const [open, setOpen] = useState<'palette' | 'keys'>()
  useFrameKeys({ onPalette: () => setOpen('palette'), onKeys: () => setOpen('keys') })

  const pathname = usePathname()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes the sheet
  useEffect(() => setSheet(false), [pathname])

  const collapse = (next: boolean) => {
    setCollapsed(next)
    try {
      localStorage.setItem(COLLAPSED, next ? 'collapsed' : 'open')
    } catch {
      // Storage is switched off: the choice lasts until the page goes (UI-2107).
    }
  }
  return (
    <>
      <Announcements />
      <div className="flex min-h-[calc(100dvh-var(--announcements,0px))] flex-col [--table-top:calc(3rem+var(--announcements,0px))] md:flex-row md:[--table-top:var(--announcements,0px)]">
        <a
          href="#main-content"
          className="fixed left-3 top-3 z-[80] -translate-y-20 rounded-control bg-accent px-3 py-1.5 text-sm font-medium text-accent-ink focus:translate-y-0"
        >
          Skip to the content
        </a>
        <div
          className={classNames(
            'sticky top-(--table-top) hidden h-[calc(100dvh-var(--table-top))] shrink-0 border-r border-line transition-[width] duration-(--slow) md:block',
            collapsed ? 'w-14' : 'w-[232px]',
          )}
        >
          <Rail
            collapsed={collapsed}
            onCollapse={() => collapse(!collapsed)}
            onSearch={() => setOpen('palette')}
            onKeys={() => setOpen('keys')}
          />
        </div>
        <header className="sticky top-[var(--announcements,0px)] z-30 flex h-12 items-center gap-2 border-b border-line bg-bg px-2 md:hidden">
          <Button
            tone="quiet"
            size="icon"
            aria-label="Open the menu"
            onClick={() => setSheet(true)}
            icon={<MenuIcon className="size-5" />}
          />
          <Logo className="size-5 text-accent" />
          <span className="min-w-0 truncate font-semibold">{PRODUCT}</span>
          <span className="ml-auto">
            <Bell side="bottom" />
          </span>
        </header>
        <Sheet open={sheet} onClose={() => setSheet(false)}>
          <Rail
            collapsed={false}
            onSearch={() => {
              setSheet(false)
              setOpen('palette')
            }}
            onKeys={() => {
              setSheet(false)
              setOpen('keys')
            }}
          />
        </Sheet>
        <main id="main-content" tabIndex={-1} data-quiet-focus className="min-w-0 flex-1">
          <Outlet />
        </main>
        <p role="status" className="sr-only">
          {announcement}
        </p>
        <CommandPalette open={open === 'palette'} onClose={() => setOpen(undefined)} />
        <KeysDialog open={open === 'keys'} onClose={() => setOpen(undefined)} />
      </div>
    </>
  )
}

function Sheet({
  open,
  onClose,
  children,
}: {
  readonly open: boolean
  readonly onClose: () => void
  readonly children: ReactNode
}) {
  return (
    <Primitive.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Primitive.Portal>
        <ModalContent
          aria-describedby={undefined}
          className="fixed inset-y-0 left-0 z-50 w-[264px] max-w-[85vw] animate-slide border-r border-line bg-bg"
        >
          <Primitive.Title className="sr-only">Menu</Primitive.Title>
          {children}
          <Primitive.Close asChild>
            <Button
              tone="quiet"
              size="icon"
              aria-label="Close the menu"
              className="absolute right-2 top-2"
              icon={<X className="size-4" />}
            />
          </Primitive.Close>
        </ModalContent>
      </Primitive.Portal>
    </Primitive.Root>
  )
}

function readCollapsed(): boolean {
  try {
    return localStorage.getItem(COLLAPSED) === 'collapsed'
  } catch {
    return false
  }
}
