declare global {
  interface Window {
    /** Browsers without Trusted Types have none. */
    readonly trustedTypes?: {
      readonly createPolicy: (
        name: string,
        rules: { readonly createScriptURL: (address: string) => string },
      ) => unknown
    }
  }
}

/**
 * The page asks its browser to refuse texts where markup, scripts or their addresses are meant (`index.html`; UI-2001,
 * UI-2002). Only addresses of this origin pass as texts: the service worker, and the worker that colours code. Nothing
 * makes markup or scripts of texts. To be called before anything else.
 */
export function trustOwnScripts(): void {
  window.trustedTypes?.createPolicy('default', {
    createScriptURL: (address) => {
      if (new URL(address, location.href).origin === location.origin) return address
      throw new TypeError(`Scripts of other origins are not run: ${address}`)
    },
  })
}
