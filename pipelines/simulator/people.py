"""Invented people. Every name, street, mail domain and user name is distinctive, so that a scan finds it anywhere."""

from __future__ import annotations

FIRST_NAMES = (
    "Quirinette", "Balduwin", "Zephyrine", "Ottokarla", "Wunibaldo", "Xantippus", "Yvonelda", "Thusneldo", "Grimhilde",
    "Eberhardine", "Philomenus", "Kunigundo",
)  # fmt: skip
LAST_NAMES = (
    "Quastenflohr", "Bimmelstedt", "Zwirnhuber", "Oxenfordt", "Wackernagelsen", "Xylander-Voss", "Ypsilantis",
    "Tüddelkamp", "Grützmachersen", "Ebbinghausen", "Pfötenhauer", "Kieselbachner",
)  # fmt: skip
STREETS = (
    "Krummer Zwirnweg", "Am Quastenhof", "Bimmelgasse", "Zum Oxenbrunnen", "Wackerstiege", "Xylophonallee",
    "Tüddelstieg", "Pfötenpfad",
)  # fmt: skip
MAIL_DOMAINS = ("quasten-mail.example", "bimmel-post.example", "zwirn-net.example")
USER_NAMES = ("picker.quirin", "packer.baldu", "stower.zephy", "lead.ottoka", "clerk.wuni", "temp.xanti")
PHONE_PREFIX = "+49 1999 77"

MARKS = (*FIRST_NAMES, *LAST_NAMES, *STREETS, *MAIL_DOMAINS, *USER_NAMES, PHONE_PREFIX)
"""Strings that must never leave the payloads."""
