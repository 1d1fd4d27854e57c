"""What people and mail servers write back. Bounce notices are cut off as Smartlead cuts them: before the code."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.world.nature import Disposition, unit

CUT_AT = 200
SUBJECTS = ("Quick question about {company}", "Following up, {first_name}", "Last note from me")
BODY = "<p>Hello {first_name},</p><p>I am the virtual assistant of our team and would like to show you what we do.</p>"

REPLIES: dict[Disposition, tuple[str, ...]] = {
    Disposition.POSITIVE: (
        "Hi, yes, this is relevant for us. Please tell me more.",
        "Danke für die Nachricht, das klingt interessant. Schicken Sie mir gern mehr.",
        "Merci, cela nous intéresse.\nPouvez-vous m'en dire plus ?",
        'Sounds good. "Less effort" is what my boss wants to hear – what would be the next step?',
        "Gracias por escribir, nos interesa. ¿Puede enviarme más detalles?",
        "Hej! Ja, det låter intressant. Skicka gärna mer information.",
    ),
    Disposition.MEETING: (
        "Can we talk on Thursday at 10?",
        "Gern, passt Ihnen Dienstag um 14 Uhr?",
        "Je suis disponible mardi après-midi pour un appel.",
        "Happy to have a call. Please pick a slot in my calendar.",
    ),
    Disposition.QUESTION: (
        "What does it cost, and which systems do you support?",
        "¿Tienen referencias en España?",
        "Läuft das auch mit unserem ERP, und wo liegen die Daten?",
        "Could you send a one-pager? I would forward it to our plant managers.",
    ),
    Disposition.NEUTRAL: (
        "Not now, maybe next year.",
        "Melden Sie sich bitte im Frühjahr noch einmal.",
        "We are in the middle of a reorganisation. I will keep your mail.",
        "Nous verrons cela après la clôture du budget.",
    ),
    Disposition.WRONG_PERSON: (
        "You should write to our purchasing department.",
        "Dafür bin ich nicht zuständig.",
        "I moved to another team; a colleague looks after this now.",
    ),
    Disposition.NEGATIVE: (
        "No thanks, we are not interested.",
        "Kein Interesse.",
        "Non merci.",
        "We already have a supplier and will not change.",
        "No, gracias.",
    ),
    Disposition.DO_NOT_CONTACT: (
        "Remove me from your list immediately.",
        "Do not contact me again!",
        "Bitte löschen Sie meine Daten und schreiben Sie mir nicht mehr.",
    ),
}
AUTOMATIC = (
    ("Automatic reply: {subject}", "I am currently out of the office with limited access to my e-mail."),
    (
        "Automatische Antwort: {subject}",
        "Ich bin derzeit nicht im Büro. In dringenden Fällen hilft der Empfang.",
    ),
    ("Réponse automatique : {subject}", "Je suis actuellement absent du bureau jusqu'à lundi."),
    ("Out of office: {subject}", "I'm on annual leave until the 14th."),
    ("Respuesta automática: {subject}", "Estoy fuera de la oficina hasta el lunes."),
    ("Autosvar: {subject}", "Jag är på semester och svarar när jag är tillbaka."),
    ("Re: {subject}", "Thank you for your message. I am on parental leave until the new year."),
)
NOTICES: dict[str, tuple[str, ...]] = {
    "hard": (
        "** Address not found ** Your message wasn't delivered to {email} because the address couldn't be found, or is"
        " unable to receive mail. The response was: 550 5.1.1 The email account that you tried to reach does not exist",
        "Your message to {email} couldn't be delivered. {local_part} wasn't found at {domain}. Action required:"
        " recipient. Unknown To address. How to fix it: the address may be misspelled or may not exist. 550 5.1.10",
        "Delivery has failed to these recipients or groups: {email} The email address you entered couldn't be found."
        " Please check the recipient's email address and try to resend the message. 550 5.1.1 RESOLVER.ADR.NotFound",
        "The following message to <{email}> was undeliverable. The reason for the problem: 5.1.0 - Unknown address"
        " error 550-'5.1.1 <{email}>: Recipient address rejected: User unknown in virtual mailbox table'",
        "Ihre Nachricht an {email} konnte nicht zugestellt werden. {local_part} wurde bei {domain} nicht gefunden."
        " Aktion erforderlich: Empfänger. Unbekannte An-Adresse. 550 5.1.10",
        "Adresse nicht gefunden. Ihre Nachricht wurde nicht an {email} zugestellt, da die Adresse nicht gefunden wurde"
        " oder keine E-Mails empfangen kann. 550 5.1.1",
        "Votre message n'a pas été remis à {email}, car l'adresse est introuvable ou ne peut pas recevoir d'e-mails."
        " La réponse était : 550 5.1.1",
        "No se ha encontrado la dirección. Tu mensaje no se ha entregado a {email} porque no se ha encontrado la"
        " dirección o esta no puede recibir mensajes. 550 5.1.1",
        "** Address not found ** Your message wasn't delivered to {email} because the domain {domain} couldn't be"
        " found. Check for typos or unnecessary spaces and try again. DNS Error: DNS type 'mx' lookup: NXDOMAIN",
    ),
    "soft": (
        "** Recipient inbox full ** Your message couldn't be delivered to {email}. Their inbox is full, or it's getting"
        " too much mail right now. 452 4.2.2",
        "Delivery has failed to these recipients or groups: {email} The recipient's mailbox is full and can't accept"
        " messages now. Please try resending your message later, or contact the recipient directly. 554 5.2.2",
        "Ihre Nachricht an {email} konnte nicht zugestellt werden: Das Postfach ist voll. 552 5.2.2",
        "** Delivery incomplete ** There was a temporary problem delivering your message to {email}. We will retry for"
        " 47 more hours. You'll be notified if the delivery fails permanently. 421 4.7.0",
        "La boîte aux lettres de {email} est pleine et ne peut plus recevoir de messages pour le moment. 452 4.2.2",
    ),
    "policy": (
        "** Message blocked ** Your message to {email} has been blocked. See technical details below for more"
        " information. The response was: 550 5.7.1 Message rejected due to content restrictions",
        "Your message to {email} was rejected by the recipient's organization due to a policy restriction. 550 5.7.133",
        "Your message to {email} couldn't be delivered. A custom mail flow rule created by an admin at {domain} has"
        " blocked your message. 550 5.7.1 TRANSPORT.RULES.RejectMessage",
        "Your message to {email} couldn't be delivered. {domain} suspects that your message is spam and rejected it."
        " 550 5.7.350",
    ),
    "sender": (
        "** Message not delivered ** You have reached a limit for sending mail. Your message was not sent.",
        "Your message couldn't be sent: your account has been temporarily blocked from sending. 550 5.1.8",
    ),
    "unclear": (
        "** Message not delivered ** There was a problem delivering your message to {email}. See the technical details"
        " below. The response was: 550",
        "This is the mail system at host mx1.{domain}. I'm sorry to have to inform you that your message could not be"
        " delivered to one or more recipients. It's attached below. For further assistance, please send mail to"
        " postmaster. <{email}>: host said: 550",
        "This message was created automatically by mail delivery software. A message that you sent could not be"
        " delivered to one or more of its recipients. This is a permanent error. The following address failed: {email}",
        "Undeliverable: the following message to {email} was undeliverable.",
    ),
}


def subject(step: int, company: str | None, first_name: str | None) -> str:
    """The subject of a step's mail."""
    return SUBJECTS[step - 1].format(company=company or "your company", first_name=first_name or "there")


def reply_text(seed: int, disposition: Disposition, key: str) -> str:
    """One of the answers that fit a person's disposition."""
    return _one_of(REPLIES[disposition], seed, "wording", key)


def automatic_reply(seed: int, key: str, answered: str) -> tuple[str, str]:
    """Subject and body of an absence notice."""
    heading, body = AUTOMATIC[int(unit(seed, "wording", key) * len(AUTOMATIC))]
    return heading.format(subject=answered), body


def is_automatic(text: str) -> bool:
    """Whether an attentive reader sees that no human wrote this."""
    return any(body in text for _, body in AUTOMATIC)


def notice_text(seed: int, kind: str, email: str, key: str) -> str:
    """The beginning of a bounce notice, as far as Smartlead passes it on."""
    local_part, _, domain = email.partition("@")
    text = _one_of(NOTICES[kind], seed, "notice", key)
    return text.format(email=email, local_part=local_part, domain=domain)[:CUT_AT]


def _one_of(texts: Sequence[str], seed: int, what: str, key: str) -> str:
    return texts[int(unit(seed, what, key) * len(texts))]
