"""The colours of figures: those of the Government Analysis Function; shape repeats what colour says."""

BLUE, TEAL, PLUM, ORANGE, GREY, LILAC = "#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1"
