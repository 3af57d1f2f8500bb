import { numberText } from '../parts/format';
import type { Texts } from './texts';

/** The API names the field and the reason in English. */
const FAILURES: Readonly<Record<string, string>> = {
  FPWSE0001E: 'Das gibt es nicht oder nicht mehr.',
  FPWSE0002E: 'Das gibt es schon, oder derselbe Schlüssel wurde für etwas anderes benutzt.',
  FPWSE0004E: 'Das API konnte die Anfrage nicht lesen.',
  FPWSE0005E: 'Ein Wert fehlt oder ist ungültig.',
  FPWSE0007E: 'Das API kennt einen Parameter nicht.',
  FPWSE0008E: 'Ein Parameter fehlt.',
  FPWSE0010E: 'Ein Fehler von Carillon: sein Protokoll nennt die Ursache. Nichts wurde angenommen.',
  FPWSE0011E: 'Das Gerät hat diesen Tag schon abonniert.',
  FPWSE0012E: 'Das Gerät hat diesen Tag nicht abonniert.',
  FPWSE0025E: 'Carillon ist beschäftigt, oder ein Teil davon ist ausgefallen.',
  FPWSE1007E: 'Die Anwendung ist abgeschaltet.',
  FPWSE1079E: 'Der Anfang der Seite ist ungültig.',
  FPWSE1080E: 'Die Größe der Seite ist ungültig.',
  CARIL0401E: 'Die Anmeldung gilt nicht oder nicht mehr.',
  CARIL0403E: 'Ihr Scope deckt das nicht ab.',
  CARIL0405E: 'Das API nimmt diese Methode oder diesen Inhalt hier nicht.',
  CARIL0406E: 'Das API kann nicht in der verlangten Form antworten.',
  CARIL0408E: 'Die Anfrage kam nicht rechtzeitig an.',
  CARIL0409E: 'Der jetzige Zustand lässt das nicht zu.',
  CARIL0410E: 'Diese Ereignisse werden nicht mehr aufbewahrt.',
  CARIL0412E: 'Jemand anderes hat es inzwischen geändert.',
  CARIL0413E: 'Die Anfrage ist zu groß.',
  CARIL0415E: 'Das API kann diese Kodierung nicht lesen.',
  CARIL0429E: 'Zu viele Anfragen oder Fehlversuche.',
  CARIL0431E: 'Der Kopf der Anfrage ist zu groß.',
  CARIL0501E: 'Das API kann diese Übertragung nicht lesen.',
};

const devices = (value: number): string => `${numberText(value)} ${value === 1 ? 'Gerät' : 'Geräte'}`;

const idsText = (value: number): string => (value === 1 ? 'eine Kennung' : `${numberText(value)} Kennungen`);

export const codes: Texts['codes'] = {
  failure: (code, message) => (FAILURES[code] === undefined ? message : `${FAILURES[code]} (${message})`),
  warnings: {
    unknownField: (field) => `Das unbekannte Feld „${field}“ wird nicht beachtet.`,
    noSms: 'SMS gibt es hier nicht: gesendet wird nur der Push.',
    unsupportedPlatform: (platform) => `${platform} wird nicht unterstützt: dorthin wird nichts gesendet.`,
    emptyList: (field) =>
      `„${field}“ ist leer und wird nicht beachtet: alle Geräte der Plattformen bekommen die Nachricht.`,
    unregisteredIds: (count, ids) => `Für ${idsText(count)} ist kein Gerät registriert: ${ids}.`,
    retiredIds: (count, ids) => `Für ${idsText(count)} sind nur stillgelegte Geräte registriert: ${ids}.`,
    undivided:
      'Die Nachricht nennt weder Geräte noch Nutzer: der vorgelagerte Server bekommt sie ganz, und Geräte, die nur hier registriert sind, bekommen sie nicht.',
    relayed: 'Die ganze Nachricht geht über den vorgelagerten Server, der allein die Zahl seiner Geräte kennt.',
    relayedPart: (count, of) =>
      `Die Nachricht an ${numberText(count)} von ${numberText(of)} Kennungen geht über den vorgelagerten Server, der allein die Zahl seiner Geräte kennt.`,
    expiresFirst: 'Nach der Schätzung verfällt die Nachricht, bevor alle Zustellungen gesendet sind.',
    awaitsApproval:
      'Die Nachricht geht an so viele Geräte, dass sie auf die Freigabe durch einen anderen Client oder Menschen wartet.',
    concurrentRun: 'Ein früherer Lauf ist nicht beendet: beide senden zugleich.',
  },
  exclusions: {
    otherPlatform: 'eine andere Plattform',
    unsubscribed: 'Nachrichten an alle abbestellt',
    missingValue: (name) => `kein Wert für ${name}`,
    retired: (reason) => `stillgelegt (${reason})`,
  },
  blocked: {
    applicationDisabled: 'Die Anwendung ist abgeschaltet.',
    applicationStopped: 'Die Anwendung ist angehalten.',
    notConfigured: (provider) => `Die Anwendung hat keine Einstellungen für ${provider}.`,
    providerPaused: (provider, reason) => `${provider} ist angehalten: ${reason}`,
    tooLarge: (provider, bytes, limit) =>
      `Die Nachricht hat ${numberText(bytes)} Bytes, ${provider} nimmt ${numberText(limit)}.`,
  },
  whyNot: {
    awaitingApproval: 'Die Nachricht wartet auf Freigabe.',
    notExpanded: 'Die Nachricht hat ihre Geräte noch nicht gesucht.',
    resend: (message) => `Die Nachricht ist eine Wiederholung, nur für einige Zustellungen von ${message}.`,
    registeredLater: 'Das Gerät wurde registriert, nachdem die Nachricht gesendet war.',
    otherPlatform: (platforms) => `Die Nachricht ist für eine andere Plattform: ${platforms}.`,
    otherDevices: 'Die Nachricht ist für andere Geräte.',
    otherUsers: 'Die Nachricht ist für andere Nutzer.',
    otherLanguage: 'Die Nachricht ist für Geräte anderer Sprachen.',
    otherTimeZone: 'Die Nachricht ist für Geräte in anderen Zeitzonen.',
    otherAppVersion: 'Die Nachricht ist für andere Versionen der App.',
    otherAttribute: (name) => `Die Nachricht ist für Geräte mit einem anderen Wert des Merkmals ${name}.`,
    otherVariant: 'Die Kampagne hat für diesen Nutzer eine andere Variante oder keine.',
    notSubscribed: 'Das Gerät hat keinen der Tags abonniert.',
    unsubscribed: 'Das Gerät hat Nachrichten an alle abbestellt.',
    retired: (time, reason) => `Das Gerät ist seit ${time} stillgelegt: ${reason}`,
    dailyCap: (count) => `Die Tagesgrenze der Kampagne hat ${devices(count)} ausgelassen, und nichts sonst erklärt es.`,
    changedSince:
      'Nichts, was jetzt bekannt ist, erklärt es: das Gerät, sein Nutzer oder seine Tags sind seitdem anders.',
  },
  campaign: {
    applicationDisabled: 'Die Anwendung ist abgeschaltet.',
    earlierRun: 'Ein früherer Lauf war nicht beendet, und die Regel für Überschneidungen lässt aus.',
    overtaken: 'Vom nächsten Termin überholt.',
    quietHours: 'Bei den Empfängern war Ruhezeit.',
    endsInQuietHours: 'Die Gültigkeit endet vor der Ruhezeit.',
    expired: 'Die Gültigkeit war abgelaufen.',
    removed: 'Die Kampagne wurde gelöscht.',
    approval: 'Sie geht an so viele Geräte, dass ein anderer Client oder Mensch sie freigeben muss.',
    missed: 'Versäumt, und die Regel für versäumte Termine holt nicht nach.',
    failures: 'Zu viele Zustellungen des letzten Laufs schlugen fehl oder wurden abgelehnt.',
    clientGone: 'Der Client, der die Kampagne angelegt hat, wurde gelöscht oder gesperrt.',
    invalid: (reason) => `Die Definition gilt nicht mehr: ${reason}`,
  },
};
