// Browsers that have registered the service worker under this name get the one of today (UI-105).
importScripts('/service-worker.js')
